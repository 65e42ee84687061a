"""What README tells people to type works, and what it names is there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support import Cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def test_the_commands_run(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for line in "".join(blocks("sh")).splitlines():
        if line.startswith("evalkit "):
            ended = cli(*shlex.split(line)[1:])
            assert ended.code in (0, 3), (line, ended.err)  # 3: SIMULATED-flaky fails now and then
            ran += 1
        else:
            subprocess.run(line, shell=True, check=True)
    assert ran >= 7
    assert (tmp_path / "report.html").stat().st_size > 20_000


def test_the_commands_that_need_a_key_are_spelt_right(cli: Cli) -> None:
    lines = [
        line.split("#")[0] for block in blocks("text") for line in block.splitlines() if line.startswith("evalkit ")
    ]
    assert len(lines) >= 4
    for line in lines:
        command = shlex.split(line)[1:]
        words = [w for w in command if not w.startswith("-")][
            : 2 if command[0] in ("panels", "suites", "runs", "store") else 1
        ]
        shown = cli(*words, "--help").out
        for option in (w for w in command if w.startswith("--")):
            assert option in shown, (line, option)


def test_the_panel_examples_load(tmp_path: Path) -> None:
    from evalkit import panels

    loaded = []
    for number, block in enumerate(blocks("yaml")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(textwrap.dedent(block))
        loaded += [model.id for model in panels.load(str(path)).models]
    assert loaded == ["our-llama", "gpt"]


def test_every_command_is_listed() -> None:
    from evalkit.cli import app

    names = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback} | {
        g.name for g in app.registered_groups
    }
    assert names == {"run", "report", "decide", "escalate", "dashboard", "suites", "panels", "runs", "store", "grade", "label", "validate",
                     "compare", "plan", "profiles"}  # fmt: skip
    for name in names:
        assert f"`evalkit {name}" in README or f"`{name}`" in README, name


def test_links_and_make_targets_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    made = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= made


def test_installed_from_a_wheel_it_finds_its_suites_and_pages(tmp_path: Path) -> None:
    """A wheel holds what a checkout has beside the package."""
    if shutil.which("uv") is None and not (Path(sys.executable).parent / "uv").exists():
        pytest.fail("uv is locked; `make setup` installs it")
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(tmp_path), str(ROOT)],
                   check=True, capture_output=True)  # fmt: skip
    import zipfile

    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    for needed in ("evalkit/_shipped/suites/quickstart.yaml", "evalkit/_shipped/suites/profiles/bank.yaml", "evalkit/_shipped/dashboards/app.py",
                   "evalkit/_shipped/dashboards/.streamlit/config.toml", "evalkit/panels/local.yaml", "evalkit/store/schema.sql",
                   "evalkit/reports/templates/report.html"):  # fmt: skip
        assert needed in names, needed

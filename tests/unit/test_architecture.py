"""The house plan holds: layers, pure rooms, late imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "litellm",
    "duckdb",
    "streamlit",
    "datasets",
    "pandas",
    "sklearn",
    "scipy",
    "numpy",
    "altair",
    "tqdm",
    "yaml",
    "pydantic",
)
PURE = ("evalkit.graders", "evalkit.divergence", "evalkit.statistics", "evalkit.plan", "evalkit.protocols", "evalkit.text",
        "evalkit.grading", "evalkit.judging", "evalkit.fitted", "evalkit.labelling", "evalkit.designs", "evalkit.planning", "evalkit.referee", "evalkit.generators", "evalkit.types", "evalkit.errors")  # fmt: skip


def loaded_by(code: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True
    )
    assert out.returncode == 0, out.stderr
    return {name.split(".")[0] for name in out.stdout.splitlines()[-1].split()}


def test_imports_run_downward_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports")]
    out = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    )
    assert out.returncode == 0, out.stdout[-2000:] + out.stderr
    assert "0 broken" in out.stdout


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_loads_no_effect(room: str) -> None:
    assert not loaded_by(f"import {room}") & {"litellm", "duckdb", "streamlit", "datasets"}


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['evalkit', '--help']\nfrom evalkit.cli import main\ntry: main()\nexcept SystemExit: pass"
    assert not loaded_by(code) & set(HEAVY)


def test_asking_simulated_models_loads_no_litellm() -> None:
    code = ("from evalkit.prepare import Request, prepare\nfrom evalkit.providers import open_providers\nfrom pathlib import Path\n"
            "p = prepare(Request(['quickstart'], 'simulated'))\nopen_providers(p.panel.models, p.suite, 0, None, 1.0, Path('.'))")  # fmt: skip
    assert "litellm" not in loaded_by(code)


@pytest.mark.parametrize("name", ["litellm", "duckdb", "streamlit"])
def test_each_heavy_library_is_imported_in_one_room(name: str) -> None:
    rooms = {"litellm": "providers/litellm_provider.py", "duckdb": "store/", "streamlit": "-"}
    lines = [
        (str(p.relative_to(ROOT / "evalkit")), line)
        for p in (ROOT / "evalkit").rglob("*.py")
        for line in p.read_text().splitlines()
        if line.strip().startswith((f"import {name}", f"from {name}"))
    ]
    assert {file for file, _ in lines if not file.startswith(rooms[name])} == set()

"""Who gets in and who may label: the command's warnings, and a log-in through a fake OpenID Connect provider."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import driving
import pytest

from support import Cli

if TYPE_CHECKING:
    from stores import World

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Command lines that `evalkit dashboard` would turn into; no server starts, no secrets of this machine are read."""
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: found.append(arguments))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_RESULTS", "")
    monkeypatch.setenv("EVALKIT_REVIEWER", "left over")
    return found


def secrets(folder: Path, text: str) -> None:
    (folder / ".streamlit").mkdir(exist_ok=True)
    (folder / ".streamlit" / "secrets.toml").write_text(text, encoding="utf-8")


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(f"--{name}") + 1]


def test_it_stays_on_this_machine_and_read_only_by_default(cli: Cli, started: list[list[str]]) -> None:
    ended = cli("dashboard")
    assert (ended.code, ended.err) == (0, "")
    assert option(started[0], "server.address") == "127.0.0.1"
    assert started[0][4].endswith("serve.py")
    assert "EVALKIT_REVIEWER" not in os.environ


def test_a_reviewer_is_named(cli: Cli, started: list[list[str]]) -> None:
    assert cli("dashboard", "--reviewer", "Ada", "--host", "localhost").err == ""
    assert os.environ["EVALKIT_REVIEWER"] == "Ada"


def test_another_host_is_warned_of(cli: Cli, started: list[list[str]], tmp_path: Path) -> None:
    said = cli("dashboard", "--host", "0.0.0.0", "--port", "8600").err
    assert "0.0.0.0:8600 can be reached from other machines, without encryption" in said
    assert "There is no password: whoever reaches it can read every question" in said
    assert option(started[0], "server.address") == "0.0.0.0"
    assert option(started[0], "browser.serverAddress")  # else Streamlit asks the internet


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ("", "nobody is listed under [roles]: nobody gets in"),
        ('[roles]\nviewers = ["*@example.org"]\nreviewers = ["a@b.c", "d@e.f"]', "1 viewers, 2 reviewers"),
    ],
)
def test_with_a_log_in_it_says_who_gets_in(
    cli: Cli, started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roles: str, words: str
) -> None:
    from evalkit.cli import serving

    monkeypatch.setattr(serving, "find_spec", lambda name: object())
    secrets(tmp_path, '[auth]\nclient_id = "x"\n' + roles)
    said = cli("dashboard", "--host", "10.0.0.5").err
    assert words in said
    assert "no password" not in said


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (["--reviewer", "Ada", "--host", "0.0.0.0"], None, "everybody who reaches the page could label under that name"),
        (["--reviewer", " "], None, "--reviewer: a name is needed"),
        (["--reviewer", "Ada"], "[auth]\n", "reviewers are listed by e-mail"),
        ([], "[auth]\n", "uv pip install 'evalkit[oidc]'"),
        ([], 'cookie_secret = "s3cret', "can't be read as TOML"),
    ],
)  # fmt: skip
def test_what_can_not_be_safe_is_refused(
    cli: Cli, started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], text: str | None, words: str,
) -> None:  # fmt: skip
    from evalkit.cli import serving

    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    if text is not None:
        secrets(tmp_path, text)
    ended = cli("dashboard", *arguments)
    assert ended.code == 2
    assert words in ended.err
    assert "s3cret" not in ended.err
    assert started == []


# --- the log-in itself


@pytest.fixture(scope="module")
def guarded(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[driving.Server, Any]]:
    """The dashboard behind a log-in, and the provider."""
    pytest.importorskip("authlib", reason="the log-in needs Authlib: evalkit[oidc]")
    import identity_provider

    folder, port = tmp_path_factory.mktemp("guarded"), driving.free_port()
    with identity_provider.provider() as provider:
        secrets(
            folder,
            f"""[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "made-up-for-a-test-and-long-enough"
client_id = "{identity_provider.CLIENT}"
client_secret = "{identity_provider.SECRET}"
server_metadata_url = "{provider.address}/.well-known/openid-configuration"

[roles]
reviewers = ["ada@example.org"]
viewers = ["*@example.org"]
""",
        )
        # A reviewer's name from the environment must not count where a log-in is configured.
        with driving.served(world.results, folder / "log", port=port, cwd=folder, EVALKIT_REVIEWER="Mallory") as server:
            yield server, provider


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email": "Ada@example.org", "email_verified": True}, "ada@example.org: may look and label"),
        ({"email": "bob@example.org", "email_verified": True}, "bob@example.org: may look, not label"),
        ({"email": "eve@evil.example", "email_verified": True}, "eve@evil.example is not listed"),
        ({"email": "ada@example.org", "email_verified": False}, "ada@example.org is not listed"),
    ],
)
def test_the_log_in_gives_the_listed_role(
    browser: Any, guarded: tuple[driving.Server, Any], claims: dict[str, Any], words: str
) -> None:
    server, provider = guarded
    provider.claims = claims
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{server.address}/review")
    page.get_by_role("heading", name="Log in").wait_for(timeout=WAIT)
    assert page.get_by_text("asks answered").count() == 0
    page.get_by_role("button", name="Log in").click()
    page.get_by_text(words).wait_for(timeout=WAIT)
    inside = "is not listed" not in words
    assert (page.get_by_text("asks answered").count() == 1) == inside
    if inside:
        page.goto(f"{server.address}/review")
        driving.settle(page)
        assert (page.get_by_text("You label as ada@example.org").count() == 1) == ("and label" in words)
        assert page.get_by_text("Mallory").count() == 0
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("heading", name="Log in").wait_for(timeout=WAIT)
    context.close()

"""`evalkit dashboard`: serve the pages, on this machine unless told otherwise."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from socket import gethostname
from typing import Annotated, Any

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Results
from evalkit.console import say
from evalkit.errors import InputError
from evalkit.roles import loopback

HERE, EVERYWHERE = "127.0.0.1", ("0.0.0.0", "::", "")  # noqa: S104 - warned of


def dashboard(
    results: Results = DEFAULT_RESULTS,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 8501,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to serve on. Any but this machine's own is open to others.")
    ] = HERE,
    reviewer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who you are: you may label answers, under this name.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Don't open a browser.")] = False,
) -> None:
    """Open the dashboard in a browser, read-only unless a --reviewer is named. Also while a run is writing."""
    from evalkit.files import shipped

    secrets = _secrets()
    _check(reviewer, host, secrets)
    if not loopback(host):
        for line in warning(host, port, results, secrets):
            say(f"evalkit dashboard: {line}")
    page = shipped("dashboards") / "serve.py"
    os.environ["EVALKIT_RESULTS"] = str(results.resolve())
    os.environ.pop("EVALKIT_REVIEWER", None)
    if reviewer:
        os.environ["EVALKIT_REVIEWER"] = reviewer.strip()
    options = {"server.address": host, "server.port": port, "server.headless": str(headless).lower(),
               "browser.gatherUsageStats": "false", "server.fileWatcherType": "none"}  # fmt: skip
    # The name to open: without one Streamlit asks a server on the internet for this machine's address.
    if host in EVERYWHERE:
        options["browser.serverAddress"] = gethostname()
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(page), *arguments])  # noqa: S606


def _secrets() -> Mapping[str, Any]:
    """What Streamlit will read: the working directory's secrets.toml over the home directory's."""
    found: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        file = folder / ".streamlit" / "secrets.toml"
        try:
            found |= tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            # What stands in the file is secret: not even the line is shown.
            raise InputError(f"{file}: can't be read as TOML ({type(error).__name__})") from None
    return found


def _check(reviewer: str | None, host: str, secrets: Mapping[str, Any]) -> None:
    """Raises InputError for what would give everybody a reviewer's rights, or a log-in that can't work."""
    if reviewer is not None and not reviewer.strip():
        raise InputError("--reviewer: a name is needed; it is stored beside each label")
    if reviewer and "auth" in secrets:
        raise InputError("--reviewer: a log-in is configured, so reviewers are listed by e-mail under [roles]")
    if reviewer and not loopback(host):
        raise InputError(
            f"--reviewer with --host {host}: everybody who reaches the page could label under that name; "
            "configure a log-in and list reviewers by e-mail (dashboards/README.md)"
        )
    if "auth" in secrets and find_spec("authlib") is None:
        raise InputError("secrets.toml configures a log-in, which needs Authlib: uv pip install 'evalkit[oidc]'")


def warning(host: str, port: int, results: Path, secrets: Mapping[str, Any]) -> list[str]:
    """What is open to whom when others can reach the page, in plain lines."""
    lines = [f"{host}:{port} can be reached from other machines, without encryption unless a proxy adds it."]
    if "auth" not in secrets:
        shown = f"every question, answer and figure in {results}"
        return [*lines, f"There is no password: whoever reaches it can read {shown}. Nobody can label.",
                "To ask for a log-in, configure OpenID Connect: dashboards/README.md."]  # fmt: skip
    roles = secrets.get("roles") or {}
    counts = {name: len(roles.get(name) or ()) for name in ("viewers", "reviewers")}
    if not any(counts.values()):
        return [*lines, "A log-in is configured, but nobody is listed under [roles]: nobody gets in."]
    return [
        *lines,
        "Who gets in logs in and is listed: " + ", ".join(f"{n} {name}" for name, n in counts.items()) + ".",
    ]

"""Vendors' keys: where they come from, and how they are kept out of all that is written.

A key is looked for in the environment, then in `.env` of the working directory, then in the desktop's keyring (service
`evalkit`, with the extra `evalkit[keyring]`). It is never put into the environment, where child processes would inherit
it. Every key that was found is remembered, so that `redact` can take it out of what a vendor echoes.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from evalkit.errors import InputError

ENV_FILE = ".env"
SERVICE = "evalkit"
HIDDEN = "***"
SHORTEST = 8  # a shorter value would be found in ordinary words

Place = Literal["environment", ".env", "keyring"]


@dataclass(frozen=True, slots=True)
class _Hunted:
    """A key to be taken out. `needle`: the longest part of it that no escaping changes, for a quick look."""

    needle: str
    needle_bytes: bytes
    pattern: re.Pattern[str]
    pattern_bytes: re.Pattern[bytes]


_hunted: dict[str, _Hunted] = {}
_from_keyring: dict[str, str] = {}
_files: dict[Path, tuple[tuple[int, int], dict[str, str]]] = {}  # what a file held when it had that time and size


def find(name: str) -> str | None:
    """The key that the variable `name` stands for; None when it is nowhere. Raises `InputError` for a broken `.env`."""
    found = _look(name)
    if found is None:
        return None
    _remember(found[0])
    return found[0]


def where(name: str) -> Place | None:
    """Where `find` takes the key from; None when it is nowhere."""
    found = _look(name)
    return found[1] if found else None


def forget() -> None:
    """Know no key any more: for tests."""
    for memory in (_hunted, _from_keyring, _files):
        memory.clear()
    _keyring.cache_clear()


def redact_text(text: str) -> str:
    """`text` with `***` in place of every key found so far: as it is, quoted for an address, or escaped as in JSON."""
    for key in tuple(_hunted.values()):
        if key.needle in text:
            text = key.pattern.sub(HIDDEN, text)
    return text


def redact(line: bytes) -> bytes:
    """As `redact_text`, for what is about to be written. A line of JSON stays one: only its texts are changed."""
    suspects = [key for key in tuple(_hunted.values()) if key.needle_bytes in line]
    suspects = [key for key in suspects if key.pattern_bytes.search(line)]
    if not suspects:
        return line
    try:
        body = json.loads(line)
    except ValueError:
        for key in suspects:
            line = key.pattern_bytes.sub(HIDDEN.encode(), line)
        return line
    return json.dumps(_cleaned(body), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {redact_text(name): _cleaned(item) for name, item in value.items()}
    return value


# --- where keys are


def _look(name: str) -> tuple[str, Place] | None:
    if value := os.environ.get(name, "").strip():
        return value, "environment"
    if held := _env_file(Path.cwd() / ENV_FILE).get(name):
        return held, ".env"
    if kept := _in_keyring(name):
        return kept, "keyring"
    return None


def _env_file(path: Path) -> dict[str, str]:
    """What `path` sets; read again only when it has changed. No file, or a folder of that name, sets nothing."""
    try:
        there = path.stat()
        version = (there.st_mtime_ns, there.st_size)
        held = _files.get(path)
        if held is None or held[0] != version:
            held = _files[path] = version, parse_env(path.read_text("utf-8-sig"), path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); mend its permissions, or move it away") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; save it as UTF-8, or move it away") from error
    return held[1]


_LINE = re.compile(
    r"""(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
    (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>[^']*)' | (?P<bare>[^"'\s#](?:\S|\s+[^\s#])*)? )
    \s*(?:(?:(?<=\s)|(?<==))\#.*)?""",
    re.VERBOSE,
)


def parse_env(text: str, path: Path) -> dict[str, str]:
    """`NAME=value` lines: with or without `export` and quotes, comments after `#`; the last of a name counts.

    Raises `InputError` naming file and line; what stands in the line is not told, for it may be a key.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise InputError(f'{path}: line {number}: not NAME=value; write NAME=value or NAME="value", or take it out')
        double, single, bare = match.group("double", "single", "bare")
        value = re.sub(r"\\(.)", r"\1", double) if double is not None else single or bare or ""
        found[match["name"]] = value.strip()
    return found


def _in_keyring(name: str) -> str | None:
    if name in _from_keyring:
        return _from_keyring[name]
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        value = keyring.get_password(SERVICE, name)
    except keyring.errors.KeyringError:  # no backend on this machine, or it stays locked: the key is not there
        return None
    if value and value.strip():
        _from_keyring[name] = value.strip()
    return _from_keyring.get(name)


@cache
def _keyring() -> Any:
    """The package of that name; None where it isn't installed."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    return keyring


# --- how they are hunted


_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")  # what neither an address nor JSON ever escapes


def _remember(value: str) -> None:
    if len(value) < SHORTEST or value in _hunted:
        return
    needle = max(_PLAIN.findall(value), key=len, default="")
    pattern = "".join(map(_forms, value))
    raw = re.compile(pattern.encode("utf-8", "surrogateescape"))  # an environment may hold bytes that are no text
    _hunted[value] = _Hunted(needle, needle.encode(), re.compile(pattern), raw)


def _forms(char: str) -> str:
    """A pattern for one character of a key: itself, after backslashes (JSON, once or in another), or as `%XX`."""
    if _PLAIN.match(char):
        return re.escape(char)
    quoted = "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
    units = char.encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(r"\\+u" + units[i : i + 4] for i in range(0, len(units), 4))
    plain = r"\\+" if char == "\\" else r"\\*" + re.escape(char)
    return f"(?:{plain}|(?i:{quoted})|(?i:{escaped}))"

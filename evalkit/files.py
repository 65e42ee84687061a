"""Reading people's files: one clear line where they are missing, unreadable or not what they should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError

if TYPE_CHECKING:
    from pydantic import ValidationError


def shipped(name: str) -> Path:
    """A folder that ships with evalkit: beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).parent
    inside = package / "_shipped" / name
    return inside if inside.is_dir() else package.parent / name


def write_new(name: str, folder: Path, suffix: str, template: str, error: type[InputError]) -> Path:
    """A file to start from, made of `template` (its `{id}` and `{path}` filled in); never written over another."""
    path = folder / f"{name}{suffix}"
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise error(f"{name!r}: an id has letters, digits, dot, dash and underscore only")
    if path.exists():
        raise error(f"{path}: stands already; choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(template.format(id=name, path=path), encoding="utf-8")
    except OSError as cause:
        raise error(f"{path}: can't be written ({cause.strerror}); name another folder with --folder") from cause
    return path


def read_text(path: Path, error: type[InputError]) -> str:
    """A UTF-8 text file, or `error` in one line."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except UnicodeDecodeError as cause:
        raise error(f"{path}: not UTF-8 text (byte {cause.start}); save it as UTF-8") from cause
    except OSError as cause:
        raise error(f"{path}: can't be read ({cause.strerror})") from cause


def read_yaml(path: Path, error: type[InputError]) -> Any:
    """A YAML file's content, or `error` with the line at which it stops being YAML."""
    import yaml

    try:
        content = yaml.load(read_text(path, error), Loader=_loader())  # noqa: S506 - a safe loader, see there
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise error(f"{path}: {where}not YAML ({getattr(cause, 'problem', None) or 'unreadable'})") from cause
    if not isinstance(content, dict):
        raise error(f"{path}: should hold keys and values at the top, not {type(content).__name__}")
    return content


def yaml_nodes(text: str) -> Any:
    """A YAML text's nodes, which know their places; it should have been read by `read_yaml` before."""
    import yaml

    return yaml.compose(text, Loader=_loader())


def _loader() -> Any:
    """PyYAML's safe loader, with dates left as text and 1.5e12 read as a number (as YAML 1.2 has both).

    libyaml's, not the pure Python one: that is slower, and stumbles over a question mark before a comma.
    """
    import yaml

    class Loader(yaml.CSafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        start: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
        for start, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    exponent = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", exponent, list("-+0123456789"))
    return Loader


def explain(error: ValidationError) -> str:
    """A validation error's first finding as `field: what is wrong`, with how many more there are."""
    findings = error.errors()
    first = findings[0]
    field = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "unknown key; take it out or mend its spelling"
    elif first["type"] == "missing":
        message = "missing"
    elif first["type"] == "string_type":
        message = f"should be text; put it in quotes (here: {first['input']!r})"
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{field + ': ' if field else ''}{message}{more}"

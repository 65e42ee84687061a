"""Keys are found in three places, in one order, and taken out of whatever is written."""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import keys
from evalkit.errors import InputError

NAME = "PLANTED_KEY"
KEY = "sk-proj-AbCd/0123+45=&x"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it weren't installed
    keys.forget()
    yield
    keys.forget()


def keyring(monkeypatch: pytest.MonkeyPatch, held: dict[tuple[str, str], str] | None) -> None:
    """A keyring that holds this, or one that has no backend."""
    module, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]

    def get_password(service: str, name: str) -> str | None:
        if held is None:
            raise errors.KeyringError("no backend")
        return held.get((service, name))

    module.get_password, module.errors = get_password, errors  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    keys.forget()


def test_the_environment_goes_before_the_file_and_the_file_before_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (keys.find(NAME), keys.where(NAME)) == (None, None)
    keyring(monkeypatch, {("evalkit", NAME): "of-the-keyring"})
    assert (keys.find(NAME), keys.where(NAME)) == ("of-the-keyring", "keyring")
    Path(".env").write_text(f"{NAME}=of-the-file", encoding="utf-8")
    assert (keys.find(NAME), keys.where(NAME)) == ("of-the-file", ".env")
    monkeypatch.setenv(NAME, " of-the-environment\n")
    assert (keys.find(NAME), keys.where(NAME)) == ("of-the-environment", "environment")
    monkeypatch.setenv(NAME, "")
    assert keys.find(NAME) == "of-the-file"


def test_nothing_is_put_into_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"{NAME}=of-the-file", encoding="utf-8")
    before = dict(os.environ)
    assert keys.find(NAME)
    assert dict(os.environ) == before


def test_a_keyring_without_a_backend_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring(monkeypatch, None)
    assert keys.find(NAME) is None


def test_a_changed_file_is_read_again() -> None:
    Path(".env").write_text(f"{NAME}=first-value", encoding="utf-8")
    assert keys.find(NAME) == "first-value"
    Path(".env").write_text(f"{NAME}=second-value", encoding="utf-8")
    assert keys.find(NAME) == "second-value"
    Path(".env").unlink()
    assert keys.find(NAME) is None


def test_a_folder_named_env_is_a_virtual_environment() -> None:
    Path(".env").mkdir()
    assert keys.find(NAME) is None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=abc", "abc"),
        ("export K=abc", "abc"),
        ("  K = abc  ", "abc"),
        ("K=abc # the old one", "abc"),
        ("K=ab#c", "ab#c"),
        ("K=a b", "a b"),
        ("K=a=b==", "a=b=="),
        ('K="a # b" # c', "a # b"),
        ("K='a \"b'", 'a "b'),
        (r'K="a\"b\\c"', r"a\"b\\c".replace('\\"', '"').replace("\\\\", "\\")),
        ("K=", ""),
        ("K=''", ""),
        ("K= # nothing", ""),
        ("K=#nothing", ""),
        ("K=first\nK=second", "second"),
        ("# K=no\n\nK=yes", "yes"),
    ],
)
def test_a_line_of_the_file(line: str, value: str) -> None:
    assert keys.parse_env(line, Path(".env")) == {"K": value}


@pytest.mark.parametrize(
    "line", ["K", "K sk-secret", 'K="sk-secret', "K='sk-secret'x", "9K=sk-secret", "=sk-secret", "K='a'#b"]
)
def test_a_malformed_line_is_named_and_not_told(line: str) -> None:
    Path(".env").write_text(f"A=1\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"\.env: line 2: not NAME=value") as caught:
        keys.find(NAME)
    assert "sk-secret" not in str(caught.value)


def test_a_file_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes(b"K=\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        keys.find(NAME)


def known(monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> None:
    monkeypatch.setenv(NAME, key)
    assert keys.find(NAME) == key


FORMS = {
    "raw": lambda key: f"bad key {key}, sorry",
    "address": lambda key: f"http://x/v1?key={quote(key, safe='')}",
    "address, slash kept": lambda key: f"http://x/{quote(key)}/y",
    "form": lambda key: f"key={quote_plus(key)}",
    "small percents": lambda key: quote(key, safe="").replace("%2F", "%2f"),
    "partly quoted": lambda key: key.replace("+", "%2B"),
    "json": lambda key: json.dumps({"said": key}),
    "json in json": lambda key: json.dumps({"body": json.dumps({"said": key})}),
    "ascii json, slash escaped": lambda key: json.dumps({"said": key}).replace("/", "\\/"),
    "repr": lambda key: repr({"authorization": f"Bearer {key}"}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [KEY, 'quote"and\\slash/in', "schlüssel-ключ-🔑"])
def test_a_key_is_taken_out_in_every_form(monkeypatch: pytest.MonkeyPatch, form: str, key: str) -> None:
    known(monkeypatch, key)
    text = FORMS[form](key)
    for cleaned in (keys.redact_text(text), keys.redact(text.encode()).decode()):
        assert "***" in cleaned
        assert cleaned != text
        for part in (key[3:-3], quote(key, safe="")[4:-4], json.dumps(key)[4:-4]):
            assert part not in cleaned


def test_what_holds_no_key_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch)
    text = f"{KEY[:-1]} and {KEY.upper()} and sk-proj-AbCd"
    assert keys.redact_text(text) == text
    line = b'{"a": 1.50,  "b":"\\u00e9"}'
    assert keys.redact(line) is line


def test_a_key_that_was_not_looked_for_and_a_short_one_are_not_hunted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, KEY)
    assert keys.where(NAME) == "environment"
    assert keys.redact_text(KEY) == KEY
    known(monkeypatch, "EMPTY")
    assert keys.redact_text("EMPTY is no key") == "EMPTY is no key"


def test_a_line_of_the_journal_keeps_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "17000000")
    line = b'{"seq":17000000,"at":1700000000.25,"data":{"text":"it is 17000000"}}'
    assert keys.redact(line) == b'{"seq":17000000,"at":1700000000.25,"data":{"text":"it is ***"}}'


def test_a_line_stays_json_where_the_key_follows_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "nabcdefgh")
    line = json.dumps({"text": "one\nabcdefgh, \\nabcdefgh"}, separators=(",", ":")).encode()
    assert json.loads(keys.redact(line)) == {"text": "one\nabcdefgh, \\***"}


SENDABLE = st.characters(min_codepoint=33, max_codepoint=126)  # what a header can hold


@given(st.text(SENDABLE, min_size=8, max_size=30), st.text(), st.text())
def test_any_key_leaves_any_line_a_line(key: str, before: str, after: str) -> None:
    keys.forget()
    keys._remember(key)
    line = json.dumps({"said": f"{before} {key} {after}"}).encode()
    assert " *** " in json.loads(keys.redact(line))["said"]
    assert key not in keys.redact_text(f"{before} {key} {after}")


def test_a_key_that_is_no_text_is_taken_out_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, os.fsdecode(b"sk-\xff\xfe-012345"))
    assert keys.redact(b"bad sk-\xff\xfe-012345!") == b"bad ***!"

"""A compiled request: all that goes to a vendor but the key and the messages' texts, found once and filled in often.

`compile.py` makes wires by looking at what litellm sends. Filling one in costs microseconds and needs no litellm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from evalkit.types import Message

PLACEHOLDER = "KEY-STANDS-HERE-0123456789"  # where the key comes, in the address or a header
Dialect = Literal["openai", "xai", "anthropic", "gemini", "ollama"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

# The turns that are sent: the question alone, or after a system text and up to three worked examples.
_ROUND = ("user", "assistant")
SEQUENCES: tuple[tuple[str, ...], ...] = (("user",), *(("system", *_ROUND * n, "user") for n in range(4)))


@dataclass(frozen=True, slots=True)
class Shape:
    """The body for one sequence of roles: JSON text, cut where messages' texts come.

    `pieces` has one more than `places`; between two of them stands the text of message number `places[i]`.
    """

    pieces: tuple[str, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """What one model with its params is sent, and how its replies are read (`dialect`).

    `shapes` is by roles, joined by a space. `trims`: the vendor's form doesn't keep white space at a text's ends.
    """

    dialect: Dialect
    url: str
    headers: Mapping[str, str]
    shapes: Mapping[str, Shape]
    trims: bool = False
    stream: str | None = (
        None  # what is put before the body's last brace so that the reply comes in pieces; None: unknown
    )

    def body(self, messages: Sequence[Message]) -> bytes | None:
        """The request's body as JSON; None for what was not compiled: other roles, or a text that may be changed."""
        shape = self.shapes.get(" ".join([m["role"] for m in messages]))
        if shape is None:
            return None
        texts = [m["content"] for m in messages]
        for text in texts:
            bare = text.strip()
            if not bare or (self.trims and bare != text):
                return None
        parts = [shape.pieces[0]]
        for place, piece in zip(shape.places, shape.pieces[1:], strict=True):
            parts.append(json.dumps(texts[place]))  # ASCII, so that half a surrogate pair can't stop it
            parts.append(piece)
        return "".join(parts).encode()

    def filled_headers(self, key: str) -> dict[str, str]:
        """The headers with the key in its place."""
        return {name: value.replace(PLACEHOLDER, key) for name, value in self.headers.items()}

    def as_data(self) -> dict[str, Any]:
        """The wire as JSON holds it."""
        shapes = {roles: [list(s.pieces), list(s.places)] for roles, s in self.shapes.items()}
        return {"dialect": self.dialect, "url": self.url, "headers": dict(self.headers), "shapes": shapes,
                "trims": self.trims, "stream": self.stream}  # fmt: skip

    def streaming(self) -> Wire | None:
        """The wire whose replies come in pieces; None where we don't read such."""
        if self.stream is None:
            return None
        shapes = {
            roles: Shape((*s.pieces[:-1], f"{s.pieces[-1].removesuffix('}')}{self.stream}}}"), s.places)
            for roles, s in self.shapes.items()
        }
        return replace(self, shapes=shapes)


def from_data(data: Mapping[str, Any]) -> Wire:
    """A wire from what `as_data` gave. Raises `ValueError` or a `LookupError` for anything else."""
    shapes = {}
    for roles, (pieces, places) in data["shapes"].items():
        shapes[roles] = Shape(tuple(map(str, pieces)), tuple(map(int, places)))
        if len(pieces) != len(places) + 1:
            raise ValueError("a shape's pieces don't fit its places")
    if data["dialect"] not in DIALECTS or not data["url"].startswith(("http://", "https://")):
        raise ValueError("no wire of this version")
    headers = {str(name): str(value) for name, value in data["headers"].items()}
    stream = data["stream"]
    return Wire(
        data["dialect"], data["url"], headers, shapes, bool(data["trims"]), None if stream is None else str(stream)
    )


def shape_of(body: Mapping[str, Any], texts: Sequence[str]) -> Shape | None:
    """The shape of a body that was made of these texts; None unless each stands in it once, as a whole string."""
    rest = json.dumps(body, separators=(",", ":"))
    if any(rest.count(text) != 1 for text in texts):
        return None
    found = sorted((rest.find(json.dumps(text)), i) for i, text in enumerate(texts))
    if found[0][0] < 0:
        return None
    pieces = []
    for _, i in found:
        piece, _, rest = rest.partition(json.dumps(texts[i]))
        pieces.append(piece)
    return Shape((*pieces, rest), tuple(i for _, i in found))


def openai_wire(url: str, model: str, params: Mapping[str, Any], key: str) -> Wire:
    """A wire to an OpenAI-compatible server of our own, whose params are known to be taken as they are."""
    rest = json.dumps({"model": model, **params}, separators=(",", ":"))[1:]
    shapes = {}
    for roles in SEQUENCES:
        turns = [f'{{"role":"{role}","content":' for role in roles]
        pieces = ['{"messages":[' + turns[0], *("}," + turn for turn in turns[1:]), "}]," + rest]
        shapes[" ".join(roles)] = Shape(tuple(pieces), tuple(range(len(roles))))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "accept": "application/json"}
    return Wire("openai", f"{url}/chat/completions", headers, shapes)

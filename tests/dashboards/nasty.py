"""A results folder full of what models and suites could say to harm whoever looks: 40 strings in every field of text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import stores

CANARY = "http://127.0.0.1:9/canary"  # stands in the strings below until the real one is known
NASTY = (
    f'<img src="{CANARY}/img.png" onerror="window.__owned=1">',
    f'<script>window.__owned=2;fetch("{CANARY}/script")</script>',
    f'<svg onload="window.__owned=3"><image href="{CANARY}/svg.png"/></svg>',
    f'<iframe src="{CANARY}/frame"></iframe><object data="{CANARY}/object"></object><embed src="{CANARY}/embed">',
    f'<link rel="stylesheet" href="{CANARY}/style.css"><style>@import "{CANARY}/import.css";*{{display:none!important}}</style>',
    f"</style><style>body{{background:url({CANARY}/css.png)}} h1{{position:fixed;width:9999px}}</style>",
    f'<meta http-equiv="refresh" content="0;url={CANARY}/refresh"><base href="{CANARY}/">',
    f'<video src="{CANARY}/video" autoplay></video><audio src="{CANARY}/audio" autoplay></audio>',
    f'<form action="{CANARY}/form"><input autofocus onfocus="window.__owned=4"></form>',
    f"<details open ontoggle=window.__owned=5><summary>x</summary></details><math href={CANARY}/math>",
    "</div></div></section></main></body></html><h1>gone</h1>",
    "</title></textarea></script><script>window.__owned=6</script>",
    f"![an image]({CANARY}/markdown.png)",
    f"[![linked]({CANARY}/linked.png)]({CANARY}/link) <{CANARY}/auto> {CANARY}/bare",
    f"![ref][r]\n\n[r]: {CANARY}/reference.png",
    "[click](javascript:window.__owned=7) [click](data:text/html,<script>window.__owned=8</script>)",
    '<a href="javascript:window.__owned=9" target="_blank">click</a>',
    f"data:text/html;base64,PHNjcmlwdD53aW5kb3cuX19vd25lZD0xMDwvc2NyaXB0Pg== url(data:image/svg+xml,{CANARY})",
    ":red[x] :rainbow[y] :blue-background[z] :material/delete: :streamlit: :small[s] :badge[b]{.c}",
    f":material/home: ![]({CANARY}/directive.png) :color[x]{{foreground=url({CANARY}/fg)}}",
    "$$\\frac{1}{0}\\href{javascript:window.__owned=11}{x}$$ $\\includegraphics{x}$ \\(a\\) \\[b\\]",
    "# Heading\n## Heading\n> quote\n- list\n1. one\n---\n```python\nprint(1)\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n**bold** _it_ ~~gone~~ `tick` ***",
    "{{ 7*7 }} {% for x in y %} {{ ''.__class__ }} ${7*7} <%= 7*7 %> #{7*7} {0.__class__}",
    '=HYPERLINK("http://127.0.0.1:9/x","click")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1+1",
    "\u202egnirts desrever\u202c \u2066\u2067\u2068isolated\u2069\u2069\u2069",
    "\u200f\u05d0\u05d1\u05d2 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 right to left \u200e\u061c",
    "Z\u0351\u036b\u0343a" + "\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 60 + "lgo",
    "nul\x00byte\x1b[31mred\x1b[0m\x07\x08\x7f\x9b",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f3f3\ufe0f\u200d\U0001f308" * 30,
    "A" * 200_000,
    "\u6f22\u5b57" * 1_500,
    "word " * 600 + "\n" * 300,
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u3164\U000e0041\ufff9",
    "&lt;b&gt;&amp;&#0;&#x202e; ]]><!-- --> <!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "'; DROP TABLE answers; -- \" OR 1=1 %' ESCAPE \\ \\u0000 \ud7ff\ue000\ufdd0\r\n\v\f\u2028\u2029\u0085end",
)
MODELS = ("alpha", "beta", "gamma")
REASONS = ("false_premise", "nonexistent_entity", "future")
# Text of the store that the files below don't reach, a row each: table, column, and the row's condition.
FIELDS = (
    ("answer_events", "reasoning", "TRUE"),
    ("answer_events", "error", "status <> 'answered'"),
    ("attempt_events", "error", "error IS NOT NULL"),
    ("grade_events", "why", "TRUE"),
    ("relation_events", "why", "TRUE"),
    ("vote_events", "why", "TRUE"),
    ("label_events", "annotator", "TRUE"),
)


def strings(canary: str) -> list[str]:
    """The strings, with the address of the server that must never be asked."""
    return [text.replace(CANARY, canary) for text in NASTY]


def build(results: Path, work: Path, canary: str) -> str:
    """A run of which every text is one of the strings. Returns its id."""
    texts = strings(canary)
    suite, answers = work / "hostile.jsonl", work / "answers.jsonl"
    suite.write_text("\n".join(json.dumps(row) for row in _questions(texts)), encoding="utf-8")
    answers.write_text("\n".join(json.dumps(row) for row in _answers(texts)), encoding="utf-8")
    (run,) = stores.runs(["run", suite, "--recorded", answers, "--results", results])
    _poison(results, run, texts)
    return run


def _questions(texts: list[str]) -> list[dict[str, Any]]:
    """Every second one can be answered; what is right is a string, too."""
    rows = []
    for place, text in enumerate(texts):
        after = [texts[(place + step) % len(texts)] for step in (1, 2, 3, 4)]
        row: dict[str, Any] = {
            "id": f"q{place}",
            "text": text or "?",
            "severity": place % 5 + 1,
            "cluster": f"c{place // 2}",
        }
        row |= {"stratum": after[0][:200].strip() or "s", "context": after[1], "source": after[2]}
        if place % 2:
            rows.append(row | {"answerable": False, "reason": REASONS[place % 3], "twin": f"q{place - 1}"})
        else:
            rows.append(row | {"answerable": True, "gold": [f"gold {after[3][:400]}"], "twin": f"q{place + 1}"})
    return rows


def _answers(texts: list[str]) -> list[dict[str, Any]]:
    rows = []
    for place in range(len(texts)):
        for step, model in enumerate(MODELS):
            row: dict[str, Any] = {
                "question_id": f"q{place}",
                "model": model,
                "confidence": (place * 7 + step * 30) % 101,
            }
            if (place + step) % 11 == 0:
                rows.append(row | {"answer": None, "status": "failed", "confidence": None})
            elif (place + step) % 5 == 0:
                rows.append(row | {"answer": f"gold {texts[(place + 4) % len(texts)][:400]}"})
            elif (place + step) % 7 == 0:
                rows.append(row | {"answer": "I don't know."})
            else:
                rows.append(row | {"answer": texts[(place + 11 * step) % len(texts)]})
    return rows


def _poison(results: Path, run: str, texts: list[str]) -> None:
    """Put the strings where no file of a user reaches: reasoning, errors, reasons of grades, judges' words, the title."""
    with duckdb.connect(str(results / "evalkit.duckdb")) as store:
        asks = store.execute(
            "SELECT ask FROM answer_events WHERE run = ? AND purpose = 'answer' ORDER BY ask", [run]
        ).fetchall()
        grading = store.execute("SELECT grading FROM grading_events WHERE run = ? LIMIT 1", [run]).fetchone()
        for place, (ask,) in enumerate(asks[: len(texts)]):
            store.execute(
                "INSERT INTO vote_events VALUES (?, ?, ?, ?, 'fake:judge', 'correct', 'x')",
                [run, 10**6 + place, (grading or ["g1"])[0], ask],
            )
            store.execute(
                "INSERT INTO label_events VALUES (?, ?, now()::TIMESTAMP, ?, 'outcome', 'x', 'incorrect', 0.5)",
                [run, 10**6 + place, ask],
            )
        for table, column, where in FIELDS:
            rows = store.execute(
                f"SELECT rowid FROM {table} WHERE run = ? AND {where} ORDER BY rowid", [run]
            ).fetchall()
            store.executemany(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?",
                [(texts[place % len(texts)], row) for place, (row,) in enumerate(rows)] or [(None, -1)],
            )
        header = json.loads((store.execute("SELECT header FROM runs WHERE run = ?", [run]).fetchone() or ["{}"])[0])
        header["suite"]["title"] = "".join(text[:300] for text in texts)
        store.execute("UPDATE runs SET header = ? WHERE run = ?", [json.dumps(header), run])

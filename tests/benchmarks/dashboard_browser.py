"""What a reader waits for in a browser, on a run of a million answers: python dashboard_browser.py RESULTS RUN -> JSON.

Times are the browser's own, from the start of the navigation, or from the click or key, until a frame in which what is
waited for stands in the page. Waited for are the report's own figures, as text: those of every model, not of the first
that comes. `figures`: they are there. `drawn`: so is everything else, every plot too, and the server is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import driving

from evalkit.reports import (
    committee,
    data,
    decision,
    matrix,
    money,
    questions,
    selection,
    slices,
    view,
    view_divergence,
    view_unknowns,
)
from evalkit.reports.display import labels

COLD, WARM, CHANGES = 3, 7, 3  # how often each is measured
OTHERS, TRIES, CALM_S, PATIENCE_S = 0.1, 6, 1.0, 60.0
AMOUNT = 900.0  # of a wrong answer of severity 3, beside the profile's own 800
TICK = os.sysconf("SC_CLK_TCK")
MOST_MS = 60_000
WINDOW = {"width": 1280, "height": 900}
BARE = 'import streamlit as st\nst.text("hello")\n'
# Shown: text of the page's own part, and what plots say to those who can't see them; nothing of it from before a change.
WATCH = """() => {
  const main = () => document.querySelector('[data-testid=stMain]');
  const seen = () => {
    const at = main();
    if (!at || !at.getBoundingClientRect().height) return '';
    const plots = [...at.querySelectorAll('[data-testid=stVegaLiteChart][aria-label]')].map(e => e.ariaLabel);
    return [at.textContent, ...plots].join('\\n');
  };
  const state = () => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state');
  const drawn = () => state() === 'notRunning' && !document.querySelector(
      '[data-testid=stSkeleton],[data-testid=stSpinner],[data-testid=stMain] [data-stale=true]') &&
    [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every(c => c.querySelector('svg,canvas'));
  const w = window.__watch = {figures: null, drawn: null, last: null, wanted: null, gone: [], acted: 0};
  const shown = () => { const t = seen(); return w.wanted.every(x => t.includes(x)) && !w.gone.some(x => t.includes(x)); };
  w.left = () => { const t = seen(); return [w.wanted.filter(x => !t.includes(x)), w.gone.filter(x => t.includes(x)), state()]; };
  w.start = (wanted, gone) => { Object.assign(w, {figures: null, drawn: null, wanted, gone}); return shown(); };
  for (const kind of ['pointerup', 'keydown'])
    addEventListener(kind, () => { w.acted = performance.now(); }, {capture: true});
  const look = () => {
    if (w.wanted) {
      const now = performance.now();
      if (w.figures === null && shown()) w.figures = now;
      if (w.figures !== null) { if (!drawn()) w.drawn = null; else if (w.drawn === null) w.drawn = now; }
      w.quiet = w.drawn !== null && now - w.drawn > 300;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


@dataclass(frozen=True)
class Change:
    """A filter change: `before` gets to where it is made and says nothing; `act` is the click; `wanted` is shown afterwards and
    not before it, `gone` no longer."""

    name: str
    address: str
    before: Callable[[Any], object]
    act: Callable[[Any], object]
    wanted: Sequence[str]
    gone: Sequence[str] = ()


@contextmanager
def serving(command: Sequence[object], port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from when it says that it is well."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, *map(str, command)], stdout=log, stderr=log, cwd=folder)
        try:
            for _ in range(1200):
                assert process.poll() is None, (folder / "log").read_text()[-1000:]
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def dashboard(results: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """The dashboard as users start it: (address, process)."""
    port = driving.free_port()
    command = ["-m", "evalkit.cli", "dashboard", "--headless", "--port", port, "--results", results]
    with serving(command, port, folder) as process:
        yield f"http://127.0.0.1:{port}", process.pid


@contextmanager
def bare(folder: Path) -> Iterator[tuple[str, int]]:
    """The baseline: a Streamlit page of one line, served with the same options."""
    port = driving.free_port()
    (folder / "bare.py").write_text(BARE)
    options = {"server.address": "127.0.0.1", "server.port": port, "server.headless": "true",
               "browser.gatherUsageStats": "false", "server.fileWatcherType": "none"}  # fmt: skip
    command = ["-m", "streamlit", "run", folder / "bare.py", *(f"--{name}={value}" for name, value in options.items())]
    with serving(command, port, folder) as process:
        yield f"http://127.0.0.1:{port}", process.pid


def mib(pid: int) -> dict[str, int]:
    """Of a process without those that it started: resident now, and at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {
        name: int(status.split(f"{key}:")[1].split()[0]) >> 10 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))
    }


def watched(page: Any, since: float = 0.0) -> dict[str, float]:
    """Seconds until the figures, and until all was drawn."""
    from playwright.sync_api import TimeoutError as TooLate

    try:
        page.wait_for_function("window.__watch?.quiet", timeout=MOST_MS)
    except TooLate:
        raise AssertionError(f"not shown: {page.evaluate('__watch.left()')}") from None
    found = page.evaluate("({figures: __watch.figures, drawn: __watch.drawn})")
    return {name: (at - since) / 1000 for name, at in found.items()}


@contextmanager
def fresh(browser: Any, wanted: Sequence[str]) -> Iterator[Any]:
    """A page of a browser that has nothing cached, which waits for `wanted`."""
    context = browser.new_context(viewport=WINDOW)
    context.add_init_script(f"({WATCH})(); window.__watch.start({json.dumps(list(wanted))}, [])")
    try:
        yield context.new_page()
    finally:
        context.close()


def opened(page: Any, address: str) -> dict[str, float]:
    page.goto(address, wait_until="commit")
    return watched(page)


def loads(browser: Any, start: Callable[[Path], Any], wanted: Sequence[str]) -> dict[str, list[Any]]:
    """The first look of a new server, looks of fresh browsers, and reloads in a browser that has the server's files."""

    def first() -> dict[str, float]:
        with TemporaryDirectory() as folder, start(Path(folder)) as (address, _), fresh(browser, wanted) as page:
            return opened(page, address)

    def look(address: str) -> dict[str, float]:
        with fresh(browser, wanted) as page:
            return opened(page, address)

    cold = [undisturbed(first) for _ in range(COLD)]
    with TemporaryDirectory() as folder, start(Path(folder)) as (address, pid):
        look(address)
        warm = [undisturbed(lambda: look(address)) for _ in range(WARM)]
        with fresh(browser, wanted) as page:
            opened(page, address)
            again = [undisturbed(lambda: opened(page, address)) for _ in range(WARM)]
        return {"cold": cold, "warm": warm, "reload": again, "mib": [mib(pid)]}


def undisturbed(measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """A measurement while others leave the cores alone, or the least disturbed of some tries; `others`: their share."""
    tries = []
    for _ in range(TRIES):
        calm()
        before, began = busy(), time.perf_counter()
        found = measure()
        share = (busy() - before) / (time.perf_counter() - began) / (os.cpu_count() or 1)
        tries.append(found | {"others": max(share, 0.0)})
        if share < OTHERS:
            break
    return min(tries, key=lambda one: one["others"])


def calm() -> None:
    """Wait, but not for ever, until others leave the cores alone."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        before = busy()
        time.sleep(CALM_S)
        if (busy() - before) / CALM_S / (os.cpu_count() or 1) < OTHERS:
            return


def busy() -> float:
    """CPU seconds that all processes but this one and those that it started have had."""
    spent = [int(ticks) for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    whole = sum(spent) - spent[3] - spent[4]  # but for idling and waiting for disks
    parents, own = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        pid = int(path.parent.name)
        parents[pid], own[pid] = int(fields[1]), sum(int(ticks) for ticks in fields[11:15])  # and of its ended children
    return (whole - sum(own[pid] for pid in own if _of_ours(pid, parents))) / TICK


def _of_ours(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parents.get(pid, 0)
    return False


# --- what is waited for


def main_figures(report: dict[str, Any]) -> list[str]:
    """The verdict, and each model's name, figures, intervals and n in the table of main figures."""
    rows = view.headline(report).rows
    return [decision.headline(report), *{text for row in rows for cell in row for text in (cell.text, *cell.small)}]


def choose(label: str, option: str) -> tuple[Callable[[Any], object], Callable[[Any], object]]:
    """(open a list, click an option of it)."""

    def before(page: Any) -> None:
        page.get_by_role("combobox", name=label, exact=False).first.click()
        page.get_by_role("option", name=option, exact=True).first.wait_for()

    return before, lambda page: page.get_by_role("option", name=option, exact=True).first.click()


def typed(label: str, text: str) -> tuple[Callable[[Any], object], Callable[[Any], object]]:
    """(type into a field, press Enter)."""
    return (lambda page: page.get_by_label(label).first.fill(text)), lambda page: page.get_by_label(label).first.press(
        "Enter"
    )


def changes(results: Path, run: str, report: dict[str, Any]) -> list[Change]:
    """One of each page's filters, and the figures that the report's own functions have for it."""
    names = labels(report)
    one = list(names)[3]
    alone = selection.only(report, [one])
    row = view.headline(alone).rows[0]
    kept = {text for table in view.figures(alone, 1) for row in table.rows for cell in row for text in cell.small}
    gone = sorted(
        {text for row in view.headline(report).rows for cell in row for text in cell.small if text[0] == "["} - kept
    )
    return [
        Change("Overview: one model", "/", *choose("Models", names[one]),
               [f"Filters are on: models {names[one]}", *(c.text for c in row)], gone),
        Change("Overview: all models again", f"/?run={run}&models={one}", lambda page: None,
               lambda page: page.get_by_role("button", name="Show all").click(), main_figures(report)),
        Change("Unknowns: a stratum", "/unknowns", *choose("Stratum", "stratum 03"), reasons(results, run, names)),
        Change("Risk: another amount", "/risk?profile=bank&typed=1", *typed(committee.WORDS["loss.3"], f"{AMOUNT:g}"), losses(results, run, report)),
        Change("Divergence: a stratum", "/divergence", *choose("Stratum", "stratum 03"), pair(results, run, names)),
        Change("Questions: a search", "/questions", *typed("Search in questions and answers", "answer 3 to q0123"),
               found(results, run, report)),
        Change("Questions: that models disagree on", "/questions", lambda page: None,
               lambda page: page.get_by_text("Models disagree", exact=True).first.click(),
               found(results, run, report, view="models_disagree", search="")),
    ]  # fmt: skip


def reasons(results: Path, run: str, names: dict[str, str]) -> list[str]:
    """Of every model and reason, the rate and its interval, and the table of twins."""
    by = slices.by(results, run, "reason", models=tuple(names), stratum="stratum 03", severity=None)
    shown = [text for rows in view_unknowns.by_reason(by).values()
             for name, est in view_unknowns.reason_figures(rows, names) for text in (f"{name}: {rate(est)}",)]  # fmt: skip
    counts = slices.twins(results, run, limit=0, stratum="stratum 03", severity=None)["counts"]
    return [*shown, *(cell.text for row in view_unknowns.twin_counts(counts, names, "").rows for cell in row)]


def rate(est: Any) -> str:
    from evalkit.reports.display import estimate

    return estimate(est, "rate")


def losses(results: Path, run: str, report: dict[str, Any]) -> list[str]:
    """Every model's loss and its interval."""
    start = next(one for one in committee.starts(results, run) if one["id"] == "bank")
    amounts = {**start["amounts"], "loss.3": AMOUNT}
    loss = committee.loss(results, run, start=start["id"], amounts=tuple(amounts.items()), currency=start["currency"])
    table = money.losses({**report, "loss": loss})
    return [text for row in table.rows for cell in row for text in (cell.text, *cell.small)] if table else []


def pair(results: Path, run: str, names: dict[str, str]) -> list[str]:
    """The chosen pair's figures, and each row of the table of pairs."""
    cells = matrix.cells(results, run, stratum="stratum 03", severity=None)
    a, b = list(names)[:2]
    shown = view_divergence.pair_figures(view_divergence.of_pair(cells, a, b), names)
    return [text for figure in shown for text in figure[1:]]


def found(results: Path, run: str, report: dict[str, Any], **wanted: Any) -> list[str]:
    """How many there are, and the first ones."""
    page = questions.page(results, run, limit=10, **({"search": "answer 3 to q0123"} | wanted))
    head = f"{page['total']:,} of {report['run']['n_questions']:,} questions"
    return [head, *(entry["text"] for entry in page["questions"])]


# --- measuring


def filtered(browser: Any, address: str, made: Change) -> dict[str, float]:
    """One change in a fresh browser, once its page is drawn."""
    with fresh(browser, [""]) as page:
        opened(page, address + made.address)
        page.wait_for_timeout(300)
        made.before(page)
        there = page.evaluate("([wanted, gone]) => __watch.start(wanted, gone)", [list(made.wanted), list(made.gone)])
        assert not there, f"{made.name}: what is waited for is there already"
        made.act(page)
        return watched(page, page.evaluate("__watch.acted"))


def every(browser: Any, results: Path, run: str, report: dict[str, Any]) -> dict[str, Any]:
    """All filter changes on one server, the first of each apart; and its memory afterwards."""
    first, again = {}, {}
    with TemporaryDirectory() as folder, dashboard(results, Path(folder)) as (address, pid):
        for made in changes(results, run, report):
            calm()
            first[made.name] = filtered(browser, address, made)
            again[made.name] = [undisturbed(partial(filtered, browser, address, made)) for _ in range(CHANGES)]
        return {"first": first, "again": again, "mib": mib(pid)}


def middle(taken: Sequence[dict[str, float]]) -> dict[str, float]:
    """Medians."""
    return {name: round(median(one[name] for one in taken), 3) for name in taken[0]}


def main() -> None:
    results, run, chromium, *parts = sys.argv[1:]
    report = data.cached_report(Path(results), run)
    with driving.browser(chromium) as browser:
        found: dict[str, Any] = {}
        if not parts or "bare" in parts:
            found["bare"] = loads(browser, bare, ["hello"])
        if not parts or "load" in parts:
            found["overview"] = loads(browser, lambda folder: dashboard(Path(results), folder), main_figures(report))
        for what in found.values():
            what.update({kind: middle(what[kind]) | {"all": what[kind]} for kind in what})
        if not parts or "filters" in parts:
            changed = every(browser, Path(results), run, report)
            found["changes"] = changed | {"again": {name: middle(taken) for name, taken in changed["again"].items()}}
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""The state of every widget stands in the address, survives a change of page, and opens again in a fresh browser.

By hand, not by Streamlit's `bind="query-params"`: a change of page clears the address, and a bound parameter is not
filled in again. The rules: an address that names anything is complete (what it doesn't name is at its default), so a
link shows the same to everybody; one that names nothing, as after a click in the navigation, leaves each page as it was
left. Parameters of `SHARED` mean the same on every page; all others belong to their page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

SHARED = ("run", "models", "strata", "severity")
LONGEST = 300  # characters of a text in the address
_KEPT, _PAGE, _LIVE = "_kept", "_page", "_live"
Values = list[str]


def _place(key: str) -> dict[str, Values]:
    """Where a parameter is kept: with all pages' or with this page's."""
    kept: dict[str, dict[str, Values]] = st.session_state.setdefault(_KEPT, {})
    return kept.setdefault("" if key in SHARED else str(st.session_state.get(_PAGE, "")), {})


def _live() -> set[str]:
    """Keys of the widgets that this session has drawn."""
    found: set[str] = st.session_state.setdefault(_LIVE, set())
    return found


def begin(page: str) -> None:
    """To be called once a draw, before any widget: takes over the address after a link, a reload or the Back button."""
    page = page or "/"  # the first page's path is "", which is where what all pages share is kept
    back = bool(getattr(get_script_run_ctx(), "is_history_navigation", False))
    arrived = st.session_state.get(_PAGE) != page or back
    st.session_state[_PAGE] = page
    if not arrived:
        _catch_up()
        return
    for key in _live():
        st.session_state.pop(key, None)
    address = {key: st.query_params.get_all(key) for key in st.query_params}
    if address:
        kept = st.session_state.setdefault(_KEPT, {})
        kept[""] = {key: values for key, values in address.items() if key in SHARED}
        kept[page] = {key: values for key, values in address.items() if key not in SHARED}


def _catch_up() -> None:
    """What was just chosen in the sidebar's filters, which are drawn after the links that carry it along."""
    for key in SHARED:
        if isinstance(st.session_state.get(key), list):
            _place(key)[key] = [str(value) for value in st.session_state[key]]


def get(key: str, default: str = "") -> str:
    """A parameter's value, whether a widget shows it or not."""
    return next(iter(_place(key).get(key, ())), default)


def put(**params: str | int | float | None) -> None:
    """Set parameters without a widget; None takes one away. In callbacks, or before the widget of that key is drawn."""
    for key, value in params.items():
        _keep(key, [] if value is None else [str(value)], [])
        st.session_state.pop(key, None)


def forget(*keys: str) -> None:
    """Back to the defaults; in callbacks."""
    put(**dict.fromkeys(keys))


def link(page: str, label: str, **params: str | int) -> None:
    """A link to another page of the app, with parameters; the chosen run and the filters go along."""
    st.page_link(page, label=escape(label), query_params={**_shared(), **{k: str(v) for k, v in params.items()}})


def onward(page: str) -> None:
    """Leave for another page, with the address's parameters as they are."""
    st.switch_page(page, query_params={key: st.query_params.get_all(key) for key in st.query_params})


def way(page: str, url_path: str, title: str) -> None:
    """A link of the navigation: to a page as it was left, with the chosen run and the filters."""
    own = st.session_state.get(_KEPT, {}).get(url_path, {})
    st.page_link(page, label=title, width="stretch", query_params={**_shared(), **own})


def _shared() -> dict[str, Values]:
    return {key: values for key in SHARED if (values := _place(key).get(key))}


def escape(text: str) -> str:
    """Text that a label, which reads Markdown and Streamlit's directives, shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~<>$:&])", r"\\\1", text)


# --- widgets


def select(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str | None = None,
    names: Mapping[str, str] | None = None,
    **more: Any,
) -> str:
    """One of many. "" where there are no options."""
    if not options:
        return ""
    first = default if default in options else options[0]
    _seed(key, get(key, first), lambda value: value in options, first)
    chosen = st.selectbox(label, options, format_func=_shown(names), key=key, **more)
    return _chosen(key, str(chosen), first)


def segments(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str | None = None,
    names: Mapping[str, str] | None = None,
    **more: Any,
) -> str:
    """One of few, side by side. `names` are our own words: they are read as Markdown."""
    first = default if default in options else options[0]
    _seed(key, get(key, first), lambda value: value in options, first)
    chosen = st.segmented_control(label, options, format_func=_shown(names), required=True, key=key, **more)
    return _chosen(key, str(chosen or first), first)


def multi(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    names: Mapping[str, str] | None = None,
    placeholder: str = "All",
    **more: Any,
) -> tuple[str, ...]:
    """Some of many; none chosen means all."""
    known = [value for value in _place(key).get(key, []) if value in options]
    _seed(key, known, lambda values: set(values) <= set(options), known)
    chosen = st.multiselect(label, options, format_func=_shown(names), placeholder=placeholder, key=key, **more)
    _keep(key, [str(value) for value in chosen], [])
    return tuple(chosen)


def text(label: str, *, key: str, placeholder: str = "", **more: Any) -> str:
    """A line of text, at most `LONGEST` characters."""
    _seed(key, get(key)[:LONGEST], lambda value: True, "")
    typed = st.text_input(label, key=key, placeholder=placeholder, max_chars=LONGEST, **more)
    return _chosen(key, (typed or "").strip(), "")


def toggle(label: str, *, key: str, default: bool = False, **more: Any) -> bool:
    """Yes or no."""
    _seed(key, get(key, str(int(default))) == "1", lambda value: True, default)
    return _chosen(key, str(int(st.toggle(label, key=key, **more))), str(int(default))) == "1"


def number(
    label: str, *, key: str, default: float, low: float = 0.0, high: float | None = None, step: float = 1.0, **more: Any
) -> float:
    """A number, typed. A value in the address that is no number or out of range is the default."""
    return _number(st.number_input, label, key, default, (low, high, step), more)


def slider(label: str, *, key: str, default: float, low: float, high: float, step: float, **more: Any) -> float:
    """A number on a slider."""
    return _number(st.slider, label, key, default, (low, high, step), more)


def _number(
    widget: Callable[..., Any],
    label: str,
    key: str,
    default: float,
    bounds: tuple[float, float | None, float],
    more: dict[str, Any],
) -> float:
    low, high, step = (None if bound is None else float(bound) for bound in bounds)

    def fits(value: float) -> bool:
        return (low is None or value >= low) and (high is None or value <= high)

    try:
        wanted = float(get(key, _digits(default)))
    except ValueError:
        wanted = float(default)
    _seed(key, wanted if fits(wanted) else float(default), fits, float(default))
    value = float(widget(label, min_value=low, max_value=high, step=step, key=key, **more))
    _chosen(key, _digits(value), _digits(default))
    return value


def pager(total: int, size: int, *, key: str = "page") -> int:
    """Which page of `total` entries, `size` a page, from 1. Draws the control where there is more than one page."""
    pages = max(1, -(-total // size))
    wanted = get(key, "1")
    at = int(wanted) if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= pages else 1
    if pages == 1:
        _keep(key, [], [])
        return 1
    _seed(key, at, lambda value: 1 <= value <= pages, 1)
    return int(_chosen(key, str(st.pagination(pages, key=key)), "1"))


# --- how they work


def _digits(value: float) -> str:
    return format(float(value), ".12g")


def _shown(names: Mapping[str, str] | None) -> Callable[[str], str]:
    return (lambda value: names.get(value, value)) if names else str


def _seed(key: str, value: Any, fits: Callable[[Any], bool], default: Any) -> None:
    """What a widget starts from; one that is on the page already keeps what was chosen, if it is still possible."""
    if key not in st.session_state:
        st.session_state[key] = value if fits(value) else default
    elif not fits(st.session_state[key]):
        st.session_state[key] = default
    _live().add(key)


def _chosen(key: str, value: str, default: str) -> str:
    # The run is always named: what is newest now will not be so when a link is opened.
    _keep(key, [value], [] if key == "run" else [default])
    return value


def _keep(key: str, values: Values, default: Values) -> None:
    """Remember a value, and write it into the address unless it is the default."""
    place, wanted = _place(key), [] if values == default else values
    if wanted:
        place[key] = wanted
    else:
        place.pop(key, None)
    if st.query_params.get_all(key) != wanted:
        if wanted:
            st.query_params[key] = wanted if len(wanted) > 1 else wanted[0]
        elif key in st.query_params:
            del st.query_params[key]

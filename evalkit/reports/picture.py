"""A chart as a file of its own: SVG or PNG, drawn here, without network."""

from __future__ import annotations

from typing import Any

PAPER = {False: "#ffffff", True: "#0e1117"}
_TEXT, _QUIET, _GRID = (
    {False: "#1b1f24", True: "#e8ecf1"},
    {False: "#57606a", True: "#a3adb8"},
    {False: "#d8dee4", True: "#303943"},
)
PIXELS = 2.0  # of the PNG, for one of the drawing


def svg(chart: Any, *, dark: bool = False) -> bytes:
    """An altair chart, or what its `to_dict` gave, as an SVG file. `dark`: how the chart itself was made; the paper follows."""
    import vl_convert

    text = vl_convert.vegalite_to_svg(_specification(chart), config=_config(dark), allowed_base_urls=[])
    return str(text).encode()


def png(chart: Any, *, dark: bool = False) -> bytes:
    """The same as a PNG file, at twice its size."""
    import vl_convert

    picture = vl_convert.vegalite_to_png(
        _specification(chart), scale=PIXELS, config=_config(dark), allowed_base_urls=[]
    )
    return bytes(picture)


def _specification(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = chart if isinstance(chart, dict) else chart.to_dict()
    return found


def _config(dark: bool) -> dict[str, Any]:
    text, quiet, grid = _TEXT[dark], _QUIET[dark], _GRID[dark]
    axis = {"labelColor": quiet, "titleColor": quiet, "gridColor": grid, "tickColor": grid, "domainColor": grid}
    words = {"labelColor": text, "titleColor": quiet}
    return {
        "background": PAPER[dark],
        "padding": 12,
        "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif",
        "axis": axis | {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        "legend": words,
        "header": words,
        "text": {"color": text},
        "title": {"color": text, "fontSize": 14, "subtitleColor": quiet, "subtitleFontSize": 12, "offset": 10},
        "view": {"stroke": None},
    }

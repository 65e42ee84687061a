"""The dashboard's folder, and its helpers that pages import by bare name."""

from __future__ import annotations

from pathlib import Path

PAGES = Path(__file__).parents[2] / "dashboards"
MODULES = ("access", "filters", "pages", "read", "show", "state")  # the pages' helpers, imported by bare name

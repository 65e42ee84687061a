"""Serve the dashboard over the stand-in data: `python serve_stub.py PORT [STATE] [COPIES]`."""

from __future__ import annotations

import sys
from pathlib import Path

import stub_data

import evalkit.reports

APP = Path(__file__).parents[2] / "dashboards" / "app.py"

if __name__ == "__main__":
    stub = stub_data.module()
    stub.state = sys.argv[2] if len(sys.argv) > 2 else "complete"
    stub.copies = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    sys.modules["evalkit.reports.data"] = evalkit.reports.data = stub  # type: ignore[attr-defined]
    from streamlit.web import cli

    flags = ["--server.headless=true", "--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]
    cli.main(["run", str(APP), f"--server.port={sys.argv[1]}", "--server.fileWatcherType=none", *flags])

"""The dashboard's server: `streamlit run dashboards/serve.py`, or `evalkit dashboard`. The pages are app.py's."""

from __future__ import annotations

import streamlit as st
from guard import Guard
from starlette.middleware import Middleware

app = st.App("app.py", middleware=[Middleware(Guard, base=str(st.get_option("server.baseUrlPath") or "").rstrip("/"))])

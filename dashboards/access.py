"""Who is looking, by Streamlit's own log-in where one is configured (README.md here), and what they may do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.secrets import secrets_singleton

from evalkit import roles
from evalkit.reports.display import clean

REVIEWER = "EVALKIT_REVIEWER"  # set by `evalkit dashboard --reviewer`


def _secrets(section: str) -> Mapping[str, Any]:
    found = secrets_singleton.get(section) if secrets_singleton.load_if_toml_exists() else None
    return found if isinstance(found, Mapping) else {}


def configured() -> bool:
    """Whether a log-in is configured: `[auth]` in secrets.toml."""
    return bool(_secrets("auth"))


def _provider() -> str | None:
    """The first named provider; None where the settings stand in `[auth]` itself."""
    auth = _secrets("auth")
    if "client_id" in auth:
        return None
    return next((name for name, value in auth.items() if isinstance(value, Mapping)), None)


def person() -> roles.Person:
    """Who is looking. With a log-in configured, whoever may not look sees how to log in, and the page ends."""
    if not configured():
        return roles.local(os.environ.get(REVIEWER), st.get_option("server.address"))
    if not st.user.is_logged_in:
        st.title("Log in")
        st.text("These results are for people who are listed. Your organisation's log-in opens in this window.")
        st.button("Log in", type="primary", on_click=st.login, args=[_provider()] if _provider() else [])
        st.stop()
    found = roles.logged_in(st.user.to_dict(), _secrets("roles"))
    if found is None:
        st.title("No access")
        st.text(f"{clean(st.user.to_dict().get('email') or 'This account', 120)} is not listed as viewer or reviewer.")
        st.text("Ask whoever runs this dashboard to add the address; it must be verified by your log-in.")
        st.button("Log out", on_click=st.logout)
        st.stop()
    return found


def reviewer() -> str | None:
    """The name to store beside labels; None, after having said why, where this person only looks."""
    found = person()
    if found.may_review:
        return found.name
    st.text("You can look, not label.")
    if configured():
        st.text("Who may label is listed under reviewers in the dashboard's secrets.toml.")
    else:
        st.text("To label, start the dashboard on this machine with your name:")
        st.code("evalkit dashboard --reviewer NAME", language=None)
    return None


def sidebar() -> None:
    """In the sidebar: who is looking, what they may do, and the way out."""
    found = person()
    if found.may_review:
        st.text(f"{clean(found.name, 60)}: may look and label")
    else:
        st.text(f"{clean(found.name, 60) or 'You'}: may look, not label")
    if configured():
        st.button("Log out", on_click=st.logout, type="tertiary")

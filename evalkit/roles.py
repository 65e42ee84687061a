"""Who may do what: a viewer looks, a reviewer also labels. Pure: the log-in itself is Streamlit's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Any, Literal

Role = Literal["viewer", "reviewer"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks at the dashboard: `name` is stored beside labels; `how` says why they have their role."""

    name: str
    role: Role
    how: str

    @property
    def may_review(self) -> bool:
        """Whether they may write labels."""
        return self.role == "reviewer"


def loopback(host: str | None) -> bool:
    """Whether an address is reached from this machine only. No address at all is every address."""
    if host is None or not host.strip():
        return False
    if host.strip().lower() == "localhost":
        return True
    try:
        return ip_address(host.strip().strip("[]")).is_loopback
    except ValueError:
        return False


def local(reviewer: str | None, host: str | None) -> Person:
    """Who it is where no log-in is configured: a viewer, or the reviewer that the dashboard was started with.

    A reviewer's name counts on loopback only: else everybody who reaches the page would write under it.
    """
    name = (reviewer or "").strip()
    if name and loopback(host):
        return Person(name, "reviewer", "the dashboard was started with --reviewer")
    return Person("", "viewer", "read-only: the dashboard was started without --reviewer")


def logged_in(claims: Mapping[str, Any], roles: Mapping[str, Any]) -> Person | None:
    """Who it is by an identity provider's claims and the lists `reviewers` and `viewers`; None: no access.

    A list holds e-mail addresses, or patterns such as `*@example.org`. An address that the provider calls unverified
    opens nothing: anybody could have typed it.
    """
    email = claims.get("email")
    if not isinstance(email, str) or "@" not in email or claims.get("email_verified") in (False, "false"):
        return None
    address = email.strip().lower()
    if _listed(address, roles.get("reviewers")):
        return Person(address, "reviewer", "listed under reviewers")
    if _listed(address, roles.get("viewers")):
        return Person(address, "viewer", "listed under viewers")
    return None


def _listed(address: str, patterns: object) -> bool:
    if isinstance(patterns, str) or not isinstance(patterns, Iterable):
        return False
    return any(fnmatchcase(address, str(pattern).strip().lower()) for pattern in patterns)

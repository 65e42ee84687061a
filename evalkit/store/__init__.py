"""The one room that opens DuckDB."""

from evalkit.store.store import Store

__all__ = ["Store"]

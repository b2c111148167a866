"""The embedded store: SQLite in WAL mode, shared by all processes of one machine."""

from adapters.stores.sqlite.store import SqliteStore, from_url

__all__ = ["SqliteStore", "from_url"]

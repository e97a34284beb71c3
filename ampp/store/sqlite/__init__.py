"""The store of the Lite profile: SQLite files in one directory."""

from ampp.store.sqlite.journal import Journal
from ampp.store.sqlite.store import SqliteSettings, SqliteStore

__all__ = ["Journal", "SqliteSettings", "SqliteStore"]

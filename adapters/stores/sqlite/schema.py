"""The tables, and how an older file becomes a newer one.  Migrations only go forward; a released one stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from domain.errors import StoreError

_TABLES = (
    """CREATE TABLE exchanges (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, at REAL NOT NULL, model TEXT NOT NULL,
  body BLOB NOT NULL, novelty REAL, watched INTEGER NOT NULL DEFAULT 0, lease_owner TEXT, lease_until REAL)""",
    "CREATE INDEX exchanges_unwatched ON exchanges (task, watched) WHERE watched = 0",
    "CREATE INDEX exchanges_at ON exchanges (task, at)",
    """CREATE TABLE pairs (
  seq INTEGER PRIMARY KEY, exchange_id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, model TEXT NOT NULL,
  state TEXT NOT NULL, opened_at REAL NOT NULL, closed_at REAL, closed_seq INTEGER UNIQUE, cost_usd REAL NOT NULL,
  body BLOB NOT NULL, lease_owner TEXT, lease_until REAL)""",
    "CREATE INDEX pairs_state ON pairs (task, state)",
    "CREATE INDEX pairs_in_closing_order ON pairs (task, closed_seq) WHERE closed_seq IS NOT NULL",
    "CREATE INDEX pairs_cost ON pairs (task, closed_at, cost_usd)",
    """CREATE TABLE detector_states (
  task TEXT NOT NULL, reference_id TEXT NOT NULL, detector TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (task, reference_id, detector))""",
    "CREATE TABLE readings (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX readings_at ON readings (task, at)",
    """CREATE TABLE signals (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
  delivered_at REAL, body BLOB NOT NULL)""",
    "CREATE INDEX signals_at ON signals (task, at)",
    "CREATE INDEX signals_undelivered ON signals (at) WHERE delivered_at IS NULL AND kind = 'retrain'",
    "CREATE TABLE deployments (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX deployments_task ON deployments (task, seq)",
    "CREATE TABLE blobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL)",
    """CREATE TABLE client_keys (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE,
  created_at REAL NOT NULL, revoked_at REAL, body BLOB NOT NULL)""",
    "CREATE INDEX client_keys_created ON client_keys (created_at)",
    "CREATE UNIQUE INDEX client_keys_active_name ON client_keys (name) WHERE revoked_at IS NULL",
    """CREATE TABLE completions (
  seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL, task TEXT NOT NULL, at REAL NOT NULL,
  metadata TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (owner, id))""",
    "CREATE INDEX completions_at ON completions (owner, at)",
    "CREATE TABLE reload (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL)",
)

_FOLLOW_UPS = (
    "ALTER TABLE exchanges ADD COLUMN cluster INTEGER",
    # The order in which exchanges were watched, that of the journal so far; it differs where a worker crashed.
    "UPDATE exchanges SET watched = seq WHERE watched > 0",
    "CREATE UNIQUE INDEX exchanges_in_watching_order ON exchanges (watched) WHERE watched > 0",
    """CREATE TABLE tallies (
  task TEXT NOT NULL, series TEXT NOT NULL, hour INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (task, series, hour)) WITHOUT ROWID""",
    """CREATE TABLE rechecks (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, at REAL NOT NULL, cost_usd REAL NOT NULL,
  body BLOB NOT NULL)""",
    "CREATE INDEX rechecks_at ON rechecks (task, at, cost_usd)",
    """CREATE TABLE signal_events (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, at REAL NOT NULL, delivered_at REAL,
  body BLOB NOT NULL)""",
    "CREATE INDEX signal_events_task ON signal_events (task, at)",
    "CREATE INDEX signal_events_undelivered ON signal_events (at) WHERE delivered_at IS NULL",
    "CREATE TABLE claims (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE expected (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX expected_task ON expected (task, seq)",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version; the caller owns the transaction.

    Raises:
        StoreError: the file was written by a newer release.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    known = len(MIGRATIONS)
    if version > known:
        raise StoreError(f"the store has schema {version}, this release knows {known}: upgrade Preceptor")
    for migration in MIGRATIONS[version:]:
        migration(connection)
    if version < known:
        connection.execute(f"PRAGMA user_version = {known}")


def _first(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


def _second(connection: sqlite3.Connection) -> None:
    for statement in _FOLLOW_UPS:
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _second)

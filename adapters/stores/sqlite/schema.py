"""The tables, and how an older file becomes a newer one.  Migrations only go forward; a released one stays."""

from __future__ import annotations

import sqlite3

from domain.errors import StoreError

_V1 = """
CREATE TABLE exchanges (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, at REAL NOT NULL, model TEXT NOT NULL,
  body BLOB NOT NULL, novelty REAL, watched INTEGER NOT NULL DEFAULT 0, lease_owner TEXT, lease_until REAL
);
CREATE INDEX exchanges_unwatched ON exchanges (task, seq) WHERE watched = 0;
CREATE INDEX exchanges_at ON exchanges (task, at);
CREATE TABLE pairs (
  exchange_id TEXT PRIMARY KEY, task TEXT NOT NULL, model TEXT NOT NULL, state TEXT NOT NULL, opened_at REAL NOT NULL,
  closed_at REAL, closed_seq INTEGER, cost_usd REAL NOT NULL, body BLOB NOT NULL, lease_owner TEXT, lease_until REAL
);
CREATE INDEX pairs_pending ON pairs (task, opened_at) WHERE state = 'pending';
CREATE INDEX pairs_closed ON pairs (task, closed_at);
CREATE INDEX pairs_closing_order ON pairs (closed_seq);
CREATE INDEX pairs_opened ON pairs (task, opened_at);
CREATE TABLE detector_states (
  task TEXT NOT NULL, reference_id TEXT NOT NULL, detector TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (task, reference_id, detector)
);
CREATE TABLE readings (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX readings_at ON readings (task, at);
CREATE TABLE signals (
  id TEXT PRIMARY KEY, task TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, delivered_at REAL, body BLOB NOT NULL
);
CREATE INDEX signals_undelivered ON signals (at) WHERE delivered_at IS NULL;
CREATE TABLE deployments (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX deployments_task ON deployments (task, seq);
CREATE TABLE blobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
"""

MIGRATIONS: tuple[str, ...] = (_V1,)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version, in one transaction.

    Raises:
        StoreError: the file was written by a newer release.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreError(f"the store has schema {version}, this release knows {len(MIGRATIONS)}: upgrade Preceptor")
        for script in MIGRATIONS[version:]:
            for statement in script.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise

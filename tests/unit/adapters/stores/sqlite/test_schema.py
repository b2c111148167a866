from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from adapters.stores.sqlite import schema
from domain.errors import StoreError


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def version(connection: sqlite3.Connection) -> int:
    """The schema version that the file carries."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_an_empty_file_becomes_the_newest_schema(connection: sqlite3.Connection) -> None:
    """All tables of the port are there, and the file says which version it has."""
    schema.migrate(connection)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    monitors = {"exchanges", "pairs", "detector_states", "readings", "signals", "deployments", "blobs"}
    follow_ups = {"tallies", "rechecks", "signal_events", "expected", "claims"}
    assert tables == monitors | follow_ups | {"client_keys", "completions", "reload"}
    assert version(connection) == len(schema.MIGRATIONS)


def test_a_file_of_this_release_is_left_alone(connection: sqlite3.Connection) -> None:
    """Migrating twice changes nothing, not even the file's change counter."""
    schema.migrate(connection)
    before = connection.total_changes
    schema.migrate(connection)
    assert connection.total_changes == before
    assert version(connection) == len(schema.MIGRATIONS)


def test_only_the_missing_migrations_run(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older file gets what came after it, in order, and keeps its rows."""
    schema.migrate(connection)
    connection.execute("INSERT INTO blobs VALUES ('a', 'k', 0, x'01')")
    ran: list[str] = []

    def second(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE blobs ADD COLUMN note TEXT NOT NULL DEFAULT ''")
        ran.append("second")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second, lambda _: ran.append("third")))
    schema.migrate(connection)
    assert ran == ["second", "third"]
    assert version(connection) == len(schema.MIGRATIONS)
    assert connection.execute("SELECT id, note FROM blobs").fetchall() == [("a", "")]


def test_a_file_of_a_newer_release_is_refused(connection: sqlite3.Connection) -> None:
    """An old release must not write into a schema that it does not know."""
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"schema 99, this release knows .*upgrade Preceptor"):
        schema.migrate(connection)

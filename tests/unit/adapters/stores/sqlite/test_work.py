from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec
import pytest

from adapters.stores.sqlite import work
from adapters.stores.sqlite.database import transaction
from adapters.stores.sqlite.schema import migrate
from domain.errors import LeaseLostError
from domain.records import PairState
from domain.store import Watched, WorkBatch
from tests.contract.store_samples import TASK, exchange, pair

LEASE = {"task": TASK, "owner": "a", "limit": 100, "until": 10.0, "at": 0.0}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """A store in memory with ten exchanges."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    migrate(opened)
    opened.executemany(
        "INSERT INTO exchanges (id, task, at, model, body) VALUES (?, ?, ?, ?, ?)",
        [(e.id, e.task, e.at, e.model, msgspec.msgpack.encode(e)) for e in map(exchange, range(10))],
    )
    yield opened
    opened.close()


def test_leases_come_in_journal_order(connection: sqlite3.Connection) -> None:
    """The order of the rows is that of the journal, which RETURNING alone does not promise."""
    bodies = work.lease(connection, LEASE)
    assert [msgspec.msgpack.decode(body)["id"] for body in bodies] == [f"{TASK}-{n}" for n in range(10)]


@pytest.mark.parametrize("name", ["_LEASE", "_LEASE_PAIRS", "_PAIRS_WITH_EXCHANGES"])
def test_leasing_never_scans_a_table(name: str, connection: sqlite3.Connection) -> None:
    """A worker asks many times a second: each statement must find its rows by an index, also in subqueries."""
    values = LEASE | {"seqs": "[]"}
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {getattr(work, name)}", values)]
    assert not [line for line in plan if line.startswith("SCAN") and "json_each" not in line], plan


def test_an_empty_batch_is_fine(connection: sqlite3.Connection) -> None:
    """A worker with nothing to say may commit."""
    before = connection.total_changes
    work.commit(connection, WorkBatch(owner="a", at=1.0))
    assert connection.total_changes == before


def test_closing_numbers_grow_over_all_batches(connection: sqlite3.Connection) -> None:
    """Each closed pair gets the next number, whether it was leased or opened as closed."""
    work.lease(connection, LEASE)
    opened = [pair(0), pair(1, state=PairState.DROPPED), pair(2), pair(3, state=PairState.EXPIRED)]
    work.commit(connection, WorkBatch(owner="a", at=1.0, opened=opened))
    work.lease_pairs(connection, LEASE)
    closed = [pair(2, state=PairState.PAIRED), pair(0, state=PairState.PAIRED)]
    work.commit(connection, WorkBatch(owner="a", at=1.0, closed=closed))
    rows = connection.execute("SELECT exchange_id FROM pairs ORDER BY closed_seq")
    assert [one for (one,) in rows] == [f"{TASK}-{n}" for n in (1, 3, 2, 0)]
    assert connection.execute("SELECT count(DISTINCT closed_seq), max(closed_seq) FROM pairs").fetchone() == (4, 4)


def test_a_lost_lease_says_how_much_was_lost(connection: sqlite3.Connection) -> None:
    """The error counts the rows, names no user text, and the transaction takes everything back."""
    work.lease(connection, LEASE | {"limit": 2})
    batch = WorkBatch(owner="a", at=1.0, watched=[Watched(f"{TASK}-{n}", 0.1) for n in range(3)])
    with pytest.raises(LeaseLostError, match="1 of 3 exchanges"), transaction(connection):
        work.commit(connection, batch)
    assert connection.execute("SELECT count(*) FROM exchanges WHERE watched > 0").fetchone() == (0,)

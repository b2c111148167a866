"""Leases, and the one transaction in which a worker writes what it did."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from adapters.stores.sqlite import follow_ups
from domain import codec
from domain.errors import LeaseLostError
from domain.records import Pair, PairState, Signal
from domain.store import WorkBatch

_LEASE = """
UPDATE exchanges SET lease_owner = :owner, lease_until = :until WHERE seq IN (
  SELECT seq FROM exchanges WHERE task = :task AND watched = 0 AND (lease_until IS NULL OR lease_until <= :at)
  ORDER BY seq LIMIT :limit
) RETURNING seq, body"""

_LEASE_PAIRS = """
UPDATE pairs SET lease_owner = :owner, lease_until = :until WHERE seq IN (
  SELECT seq FROM pairs WHERE task = :task AND state = 'pending' AND (lease_until IS NULL OR lease_until <= :at)
  ORDER BY seq LIMIT :limit
) RETURNING seq"""

# Not part of the update: a subquery of RETURNING knows no types, and would scan all exchanges for each pair.
_PAIRS_WITH_EXCHANGES = """
SELECT pairs.body, exchanges.body FROM pairs JOIN exchanges ON exchanges.id = pairs.exchange_id
WHERE pairs.seq IN (SELECT value FROM json_each(:seqs)) ORDER BY pairs.seq"""

# The number of the exchange that was watched last.
_LAST_WATCHED = "SELECT watched FROM exchanges WHERE watched > 0 ORDER BY watched DESC LIMIT 1"


def lease(connection: sqlite3.Connection, values: dict[str, object]) -> list[bytes]:
    """Bodies of the leased exchanges in journal order; RETURNING promises no order of its own."""
    return [body for _, body in sorted(connection.execute(_LEASE, values))]


def lease_pairs(connection: sqlite3.Connection, values: dict[str, object]) -> list[tuple[bytes, bytes]]:
    """Bodies of the leased pairs and of their exchanges, oldest first."""
    seqs = [seq for (seq,) in connection.execute(_LEASE_PAIRS, values)]
    return connection.execute(_PAIRS_WITH_EXCHANGES, {"seqs": json.dumps(seqs)}).fetchall()


def commit(connection: sqlite3.Connection, batch: WorkBatch) -> None:
    """Write a batch; the caller owns the transaction.  A row that is done has no lease any more, so it is done once.

    Raises:
        LeaseLostError: a row is no longer leased to the owner.
    """
    _watch(connection, batch)
    _open_pairs(connection, batch.opened)
    _close_pairs(connection, batch)
    connection.executemany(
        "INSERT OR REPLACE INTO detector_states (task, reference_id, detector, body) VALUES (?, ?, ?, ?)",
        [(state.task, state.reference_id, state.detector, state.state) for state in batch.states],
    )
    connection.executemany(
        "INSERT INTO readings (task, at, body) VALUES (?, ?, ?)",
        [(reading.task, reading.at, codec.encode(reading)) for reading in batch.readings],
    )
    _add_signals(connection, batch.signals)
    follow_ups.put_tallies(connection, batch.tallies)
    follow_ups.add_rechecks(connection, batch.rechecks)


def _watch(connection: sqlite3.Connection, batch: WorkBatch) -> None:
    last = connection.execute(_LAST_WATCHED).fetchone() or (0,)
    done = connection.executemany(
        "UPDATE exchanges SET watched = ?, novelty = ?, cluster = ?, lease_owner = NULL, lease_until = NULL "
        "WHERE id = ? AND lease_owner = ?",
        [
            (number, row.novelty, row.cluster, row.exchange_id, batch.owner)
            for number, row in enumerate(batch.watched, last[0] + 1)
        ],
    ).rowcount
    _require_all(done, len(batch.watched), "exchanges")


def _open_pairs(connection: sqlite3.Connection, pairs: Iterable[Pair]) -> None:
    for pair in pairs:
        closed_seq = None if pair.state is PairState.PENDING else _next_seq(connection)
        connection.execute(
            "INSERT OR IGNORE INTO pairs"
            " (exchange_id, task, model, state, opened_at, closed_at, closed_seq, cost_usd, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (pair.exchange_id, pair.task, pair.model, pair.state, pair.opened_at, pair.closed_at, closed_seq,
             pair.cost_usd, codec.encode(pair)),
        )  # fmt: skip


def _close_pairs(connection: sqlite3.Connection, batch: WorkBatch) -> None:
    done = 0
    for pair in batch.closed:
        done += connection.execute(
            "UPDATE pairs SET state = ?, closed_at = ?, closed_seq = ?, cost_usd = ?, body = ?, lease_owner = NULL,"
            " lease_until = NULL WHERE exchange_id = ? AND lease_owner = ?",
            (pair.state, pair.closed_at, _next_seq(connection), pair.cost_usd, codec.encode(pair), pair.exchange_id,
             batch.owner),
        ).rowcount  # fmt: skip
    _require_all(done, len(batch.closed), "pairs")


def _next_seq(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT coalesce(max(closed_seq), 0) FROM pairs").fetchone()
    return int(last) + 1


def _add_signals(connection: sqlite3.Connection, signals: Sequence[Signal]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO signals (id, task, at, kind, delivered_at, body) VALUES (?, ?, ?, ?, ?, ?)",
        [(s.id, s.task, s.at, s.kind, s.delivered_at, codec.encode(s)) for s in signals],
    )


def _require_all(done: int, wanted: int, what: str) -> None:
    if done != wanted:
        raise LeaseLostError(f"{wanted - done} of {wanted} {what} were taken over by another worker")

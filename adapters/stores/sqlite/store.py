"""The store's port on SQLite."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapters.stores.sqlite import work
from adapters.stores.sqlite.database import Database
from domain.errors import StoreError
from domain.records import (
    Backlog,
    Deployment,
    DetectorState,
    Exchange,
    Pair,
    PairState,
    Reading,
    Signal,
    SignalKind,
)
from domain.store import PendingPair, WatchedExchange, WorkBatch

if TYPE_CHECKING:
    from domain.store import Store

_ENCODE = msgspec.msgpack.Encoder().encode
_EXCHANGE = msgspec.msgpack.Decoder(Exchange)
_PAIR = msgspec.msgpack.Decoder(Pair)
_READING = msgspec.msgpack.Decoder(Reading)
_SIGNAL = msgspec.msgpack.Decoder(Signal)
_DEPLOYMENT = msgspec.msgpack.Decoder(Deployment)
_PREFIX = "sqlite:///"


def from_url(url: str, root: Path) -> SqliteStore:
    """The store at `sqlite:///<path>`; a relative path starts from `root`.

    Raises:
        StoreError: the URL is of another kind.
    """
    if not url.startswith(_PREFIX):
        raise StoreError(f"unknown store {url.split(':')[0]!r}; use sqlite:///<path>")
    return SqliteStore(root / url.removeprefix(_PREFIX))


class SqliteStore:
    """Implements `domain.store.Store`; rows are msgpack records beside the columns that queries need."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    async def start(self) -> None:
        """See `domain.store.Store`."""
        await self._database.open()

    async def aclose(self) -> None:
        """See `domain.store.Store`."""
        await self._database.close()

    async def append(self, exchanges: Sequence[Exchange]) -> None:
        """See `domain.store.Store`."""
        rows = [(e.id, e.task, e.at, e.model, _ENCODE(e)) for e in exchanges]
        await self._database.write(
            lambda db: db.executemany(
                "INSERT OR IGNORE INTO exchanges (id, task, at, model, body) VALUES (?, ?, ?, ?, ?)", rows
            )
        )

    async def lease(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[Exchange]:
        """See `domain.store.Store`."""
        values = {"task": task, "owner": owner, "limit": limit, "until": at + lease_s, "at": at}
        return [_EXCHANGE.decode(body) for body in await self._database.write(lambda db: work.lease(db, values))]

    async def lease_pairs(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[PendingPair]:
        """See `domain.store.Store`."""
        values = {"task": task, "owner": owner, "limit": limit, "until": at + lease_s, "at": at}
        rows = await self._database.write(lambda db: work.lease_pairs(db, values))
        return [PendingPair(_PAIR.decode(pair), _EXCHANGE.decode(exchange)) for pair, exchange in rows]

    async def commit(self, batch: WorkBatch) -> None:
        """See `domain.store.Store`."""
        await self._database.write(lambda db: work.commit(db, batch))

    async def backlog(self, task: str) -> Backlog:
        """See `domain.store.Store`."""

        def query(db: sqlite3.Connection) -> Backlog:
            unread, oldest = db.execute(
                "SELECT count(*), min(at) FROM exchanges WHERE task = ? AND watched = 0", (task,)
            ).fetchone()
            (pending,) = db.execute(
                "SELECT count(*) FROM pairs WHERE task = ? AND state = 'pending'", (task,)
            ).fetchone()
            (undelivered,) = db.execute(
                "SELECT count(*) FROM signals WHERE task = ? AND delivered_at IS NULL AND kind = ?",
                (task, SignalKind.RETRAIN),
            ).fetchone()
            return Backlog(unread, pending, undelivered, oldest)

        return await self._database.read(query)

    async def exchanges(
        self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000
    ) -> list[WatchedExchange]:
        """See `domain.store.Store`."""
        rows = await self._rows(
            "SELECT body, novelty FROM exchanges WHERE task = ? AND at >= ? AND (? = '' OR model = ?)"
            " ORDER BY seq DESC LIMIT ?",
            (task, after, model, model, limit),
        )
        return [WatchedExchange(_EXCHANGE.decode(body), novelty) for body, novelty in reversed(rows)]

    async def exchanges_by_id(self, ids: Sequence[str]) -> list[WatchedExchange]:
        """See `domain.store.Store`."""
        rows = await self._rows(
            "SELECT e.body, e.novelty FROM json_each(?) AS wanted JOIN exchanges AS e ON e.id = wanted.value"
            " ORDER BY wanted.key",
            (msgspec.json.encode(list(ids)).decode(),),
        )
        return [WatchedExchange(_EXCHANGE.decode(body), novelty) for body, novelty in rows]

    async def pairs(self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000) -> list[Pair]:
        """See `domain.store.Store`."""
        rows = await self._rows(
            "SELECT body FROM pairs WHERE task = ? AND opened_at >= ? AND (? = '' OR model = ?)"
            " ORDER BY closed_seq IS NULL DESC, closed_seq DESC, rowid DESC LIMIT ?",
            (task, after, model, model, limit),
        )
        return [_PAIR.decode(body) for (body,) in reversed(rows)]

    async def pair_counts(self, task: str) -> dict[PairState, int]:
        """See `domain.store.Store`."""
        rows = await self._rows("SELECT state, count(*) FROM pairs WHERE task = ? GROUP BY state", (task,))
        return {PairState(state): count for state, count in rows}

    async def spent_usd(self, task: str, *, since: float) -> float:
        """See `domain.store.Store`."""
        ((total,),) = await self._rows(
            "SELECT coalesce(sum(cost_usd), 0.0) FROM pairs WHERE task = ? AND closed_at >= ?", (task, since)
        )
        return float(total)

    async def readings(self, task: str, *, after: float = 0.0) -> list[Reading]:
        """See `domain.store.Store`."""
        rows = await self._rows("SELECT body FROM readings WHERE task = ? AND at >= ? ORDER BY seq", (task, after))
        return [_READING.decode(body) for (body,) in rows]

    async def detector_states(self, task: str, reference_id: str) -> list[DetectorState]:
        """See `domain.store.Store`."""
        rows = await self._rows(
            "SELECT detector, body FROM detector_states WHERE task = ? AND reference_id = ? ORDER BY detector",
            (task, reference_id),
        )
        return [
            DetectorState(task=task, detector=detector, reference_id=reference_id, state=body)
            for detector, body in rows
        ]

    async def signals(self, task: str, *, after: float = 0.0) -> list[Signal]:
        """See `domain.store.Store`."""
        rows = await self._rows(
            "SELECT body, delivered_at FROM signals WHERE task = ? AND at >= ? ORDER BY at, id", (task, after)
        )
        return [_signal(body, delivered_at) for body, delivered_at in rows]

    async def undelivered(self, *, limit: int) -> list[Signal]:
        """See `domain.store.Store`."""
        rows = await self._rows(
            "SELECT body, delivered_at FROM signals WHERE delivered_at IS NULL AND kind = ? ORDER BY at, id LIMIT ?",
            (SignalKind.RETRAIN, limit),
        )
        return [_signal(body, delivered_at) for body, delivered_at in rows]

    async def delivered(self, signal_id: str, *, at: float) -> None:
        """See `domain.store.Store`."""
        await self._database.write(
            lambda db: db.execute("UPDATE signals SET delivered_at = ? WHERE id = ?", (at, signal_id))
        )

    async def deploy(self, deployment: Deployment) -> None:
        """See `domain.store.Store`."""
        row = (deployment.task, _ENCODE(deployment))
        await self._database.write(lambda db: db.execute("INSERT INTO deployments (task, body) VALUES (?, ?)", row))

    async def deployment(self, task: str) -> Deployment | None:
        """See `domain.store.Store`."""
        rows = await self._rows("SELECT body FROM deployments WHERE task = ? ORDER BY seq DESC LIMIT 1", (task,))
        return _DEPLOYMENT.decode(rows[0][0]) if rows else None

    async def deployments(self, task: str) -> list[Deployment]:
        """See `domain.store.Store`."""
        rows = await self._rows("SELECT body FROM deployments WHERE task = ? ORDER BY seq", (task,))
        return [_DEPLOYMENT.decode(body) for (body,) in rows]

    async def put_blob(self, kind: str, body: bytes, *, at: float) -> str:
        """See `domain.store.Store`."""
        blob_id = hashlib.sha256(body).hexdigest()
        row = (blob_id, kind, at, body)
        await self._database.write(
            lambda db: db.execute("INSERT OR IGNORE INTO blobs (id, kind, at, body) VALUES (?, ?, ?, ?)", row)
        )
        return blob_id

    async def blob(self, blob_id: str) -> bytes | None:
        """See `domain.store.Store`."""
        rows = await self._rows("SELECT body FROM blobs WHERE id = ?", (blob_id,))
        return rows[0][0] if rows else None

    async def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
        return await self._database.read(lambda db: db.execute(query, values).fetchall())


def _signal(body: bytes, delivered_at: float | None) -> Signal:
    return msgspec.structs.replace(_SIGNAL.decode(body), delivered_at=delivered_at)


if TYPE_CHECKING:
    _: Store = SqliteStore(Path())

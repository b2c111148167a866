"""The store's port on SQLite."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapters.stores.sqlite import queries, work
from adapters.stores.sqlite.chronicle import ChronicleTables
from adapters.stores.sqlite.clients import ClientTables
from adapters.stores.sqlite.follow_ups import FollowUpTables
from domain import codec
from domain.errors import StoreError
from domain.records import (
    Deployment,
    DetectorState,
    Exchange,
    Pair,
    PairState,
    Reading,
    Signal,
)
from domain.store import Backlog, Judged, PendingPair, WatchedExchange, WorkBatch

if TYPE_CHECKING:
    from domain.store import Store

_PREFIX = "sqlite:///"


def from_url(url: str, root: Path) -> SqliteStore:
    """The store at `sqlite:///<path>`; a relative path starts from `root`.

    Raises:
        StoreError: the URL is of another kind.
    """
    if not url.startswith(_PREFIX):
        raise StoreError(f"unknown store {url.split(':')[0]!r}; use sqlite:///<path>")
    return SqliteStore(root / url.removeprefix(_PREFIX))


class SqliteStore(ClientTables, FollowUpTables, ChronicleTables):
    """Implements `domain.store.Store`; rows are msgpack records beside the columns that queries need."""

    async def start(self) -> None:
        """See `domain.store.Store`."""
        await self._database.open()

    async def aclose(self) -> None:
        """See `domain.store.Store`."""
        await self._database.close()

    async def append(self, exchanges: Sequence[Exchange]) -> None:
        """See `domain.store.Store`."""

        def change(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT OR IGNORE INTO exchanges (id, task, at, model, body) VALUES (?, ?, ?, ?, ?)",
                [(e.id, e.task, e.at, e.model, codec.encode(e)) for e in exchanges],
            )

        await self._database.write(change)

    async def lease(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[Exchange]:
        """See `domain.store.Store`."""
        values = {"task": task, "owner": owner, "limit": limit, "until": at + lease_s, "at": at}
        return await self._database.write(lambda db: [codec.decode_exchange(body) for body in work.lease(db, values)])

    async def lease_pairs(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[PendingPair]:
        """See `domain.store.Store`."""
        values = {"task": task, "owner": owner, "limit": limit, "until": at + lease_s, "at": at}

        def change(db: sqlite3.Connection) -> list[PendingPair]:
            return [
                PendingPair(codec.decode_pair(pair), codec.decode_exchange(exchange))
                for pair, exchange in work.lease_pairs(db, values)
            ]

        return await self._database.write(change)

    async def commit(self, batch: WorkBatch) -> None:
        """See `domain.store.Store`."""
        await self._database.write(lambda db: work.commit(db, batch))

    async def backlog(self, task: str) -> Backlog:
        """See `domain.store.Store`."""
        (backlog,) = await self._all(Backlog, queries.BACKLOG, task=task)
        return backlog

    async def exchanges(
        self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000
    ) -> list[WatchedExchange]:
        """See `domain.store.Store`."""
        return (await self._all(_watched, queries.EXCHANGES, task=task, after=after, model=model, limit=limit))[::-1]

    async def exchanges_by_id(self, ids: Sequence[str]) -> list[WatchedExchange]:
        """See `domain.store.Store`."""
        return await self._all(_watched, queries.EXCHANGES_BY_ID, ids=msgspec.json.encode(list(ids)).decode())

    async def judged(self, task: str, *, after: float = 0.0, limit: int = 1000) -> list[Judged]:
        """See `domain.store.Store`."""
        return (await self._all(codec.decode_judged, queries.JUDGED, task=task, after=after, limit=limit))[::-1]

    async def pairs(self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000) -> list[Pair]:
        """See `domain.store.Store`."""
        return (await self._all(codec.decode_pair, queries.PAIRS, task=task, after=after, model=model, limit=limit))[
            ::-1
        ]

    async def pair_counts(self, task: str) -> dict[PairState, int]:
        """See `domain.store.Store`."""
        return dict(await self._all(lambda state, n: (PairState(state), int(n)), queries.PAIR_COUNTS, task=task))

    async def spent_usd(self, task: str, *, since: float) -> float:
        """See `domain.store.Store`."""
        (total,) = await self._all(float, queries.SPENT_USD, task=task, since=since)
        return total

    async def readings(self, task: str, *, after: float = 0.0) -> list[Reading]:
        """See `domain.store.Store`."""
        return await self._all(codec.decode_reading, queries.READINGS, task=task, after=after)

    async def detector_states(self, task: str, reference_id: str) -> list[DetectorState]:
        """See `domain.store.Store`."""
        return await self._all(_state, queries.DETECTOR_STATES, task=task, reference_id=reference_id)

    async def signals(self, task: str, *, after: float = 0.0) -> list[Signal]:
        """See `domain.store.Store`."""
        return await self._all(_signal, queries.SIGNALS, task=task, after=after)

    async def undelivered(self, *, limit: int) -> list[Signal]:
        """See `domain.store.Store`."""
        return await self._all(_signal, queries.UNDELIVERED, limit=limit)

    async def delivered(self, signal_id: str, *, at: float) -> None:
        """See `domain.store.Store`."""
        await self._write("UPDATE signals SET delivered_at = ? WHERE id = ?", at, signal_id)

    async def deploy(self, deployment: Deployment) -> None:
        """See `domain.store.Store`."""
        await self._write(
            "INSERT INTO deployments (task, body) VALUES (?, ?)", deployment.task, codec.encode(deployment)
        )

    async def deployment(self, task: str) -> Deployment | None:
        """See `domain.store.Store`."""
        newest = await self._all(codec.decode_deployment, queries.DEPLOYMENT, task=task)
        return newest[0] if newest else None

    async def deployments(self, task: str) -> list[Deployment]:
        """See `domain.store.Store`."""
        return await self._all(codec.decode_deployment, queries.DEPLOYMENTS, task=task)

    async def put_blob(self, kind: str, body: bytes, *, at: float) -> str:
        """See `domain.store.Store`."""
        blob_id = hashlib.sha256(body).hexdigest()
        await self._write(
            "INSERT OR IGNORE INTO blobs (id, kind, at, body) VALUES (?, ?, ?, ?)", blob_id, kind, at, body
        )
        return blob_id

    async def blob(self, blob_id: str) -> bytes | None:
        """See `domain.store.Store`."""
        found = await self._all(bytes, queries.BLOB, id=blob_id)
        return found[0] if found else None

    async def request_reload(self, *, at: float) -> None:
        """See `domain.store.Store`."""
        await self._write("INSERT OR REPLACE INTO reload (id, at) VALUES (1, ?)", at)

    async def reload_requested(self) -> float:
        """See `domain.store.Store`."""
        found = await self._all(float, queries.RELOAD_REQUESTED)
        return found[0] if found else 0.0


def _watched(body: bytes, novelty: float | None, cluster: int | None) -> WatchedExchange:
    return WatchedExchange(codec.decode_exchange(body), novelty, cluster)


def _state(task: str, detector: str, reference_id: str, body: bytes) -> DetectorState:
    return DetectorState(task=task, detector=detector, reference_id=reference_id, state=body)


def _signal(body: bytes, delivered_at: float | None) -> Signal:
    return msgspec.structs.replace(codec.decode_signal(body), delivered_at=delivered_at)


if TYPE_CHECKING:
    _: Store = SqliteStore(Path())

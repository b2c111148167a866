"""Pages of what happened, for replays."""

from __future__ import annotations

from adapters.stores.sqlite.tables import Tables
from domain import codec
from domain.chronicle import ClosedRow, WatchedRow

# Along the order itself, through rows of other tasks: any other index would be sorted.
_WATCHED = """
SELECT watched, body, novelty, cluster FROM exchanges INDEXED BY exchanges_in_watching_order
WHERE watched > 0 AND watched > :after AND task = :task ORDER BY watched LIMIT :limit"""

_LAST_WATCHED = """
SELECT watched, body, novelty, cluster FROM (
  SELECT watched, body, novelty, cluster FROM exchanges INDEXED BY exchanges_at
  WHERE task = :task AND at <= :until AND watched > 0 ORDER BY at DESC, seq DESC LIMIT :limit
) ORDER BY watched"""

_WATCHED_COUNT = """
SELECT (SELECT count(*) FROM exchanges WHERE task = :task)
     - (SELECT count(*) FROM exchanges WHERE task = :task AND watched = 0)"""

_CLOSED = """
SELECT pairs.closed_seq, pairs.body, exchanges.body FROM pairs JOIN exchanges ON exchanges.id = pairs.exchange_id
WHERE pairs.task = :task AND pairs.closed_seq > :after ORDER BY pairs.closed_seq LIMIT :limit"""


class ChronicleTables(Tables):
    """Implements `domain.chronicle.Chronicle`."""

    async def watched(self, task: str, *, after: int = 0, limit: int = 1000) -> list[WatchedRow]:
        """See `domain.chronicle.Chronicle`."""
        return await self._all(_watched, _WATCHED, task=task, after=after, limit=limit)

    async def last_watched(self, task: str, *, until: float, limit: int) -> list[WatchedRow]:
        """See `domain.chronicle.Chronicle`."""
        return await self._all(_watched, _LAST_WATCHED, task=task, until=until, limit=limit)

    async def watched_count(self, task: str) -> int:
        """See `domain.chronicle.Chronicle`."""
        (count,) = await self._all(int, _WATCHED_COUNT, task=task)
        return count

    async def closed(self, task: str, *, after: int = 0, limit: int = 1000) -> list[ClosedRow]:
        """See `domain.chronicle.Chronicle`."""
        return await self._all(_closed, _CLOSED, task=task, after=after, limit=limit)


def _watched(number: int, body: bytes, novelty: float | None, cluster: int | None) -> WatchedRow:
    return WatchedRow(number, codec.decode_exchange(body), novelty, cluster)


def _closed(number: int, pair: bytes, exchange: bytes) -> ClosedRow:
    return ClosedRow(number, codec.decode_pair(pair), codec.decode_exchange(exchange))

"""Pages of what happened, for replays."""

from __future__ import annotations

from adapters.stores.sqlite.tables import Tables
from domain import codec
from domain.chronicle import ClosedRow, WatchedRow

# Without an index, which would be sorted: along the rows themselves a page costs what is read.
_WATCHED = """
SELECT seq, body, novelty, cluster FROM exchanges NOT INDEXED
WHERE seq > :after AND task = :task AND watched = 1 ORDER BY seq LIMIT :limit"""

_LAST_WATCHED = """
SELECT seq, body, novelty, cluster FROM (
  SELECT seq, body, novelty, cluster FROM exchanges WHERE task = :task AND at <= :until AND watched = 1
  ORDER BY at DESC, seq DESC LIMIT :limit
) ORDER BY seq"""

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

"""What follows signals, second answers of teachers, and hourly tallies."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from adapters.stores.sqlite.tables import Tables
from domain import codec
from domain.follow_up import Expected, Recheck, SignalEvent, Tally

_TALLIES = """
SELECT task, series, hour, body FROM tallies
WHERE task = :task AND series = :series AND hour >= :after ORDER BY hour"""

_RECHECKS = "SELECT body FROM rechecks WHERE task = :task AND at >= :after ORDER BY at, seq"

_EVENTS = "SELECT body FROM signal_events WHERE task = :task ORDER BY at, seq"

_UNDELIVERED = "SELECT body FROM signal_events WHERE delivered_at IS NULL ORDER BY at, seq LIMIT :limit"

# What the owner of a claim that still lasts, or nobody else, changes.
_CLAIM = """
INSERT INTO claims (name, owner, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
SET owner = excluded.owner, until = excluded.until WHERE claims.owner = excluded.owner OR claims.until <= ?"""

_EXPECTED = "SELECT body FROM expected WHERE task = :task ORDER BY seq"


class FollowUpTables(Tables):
    """Implements `domain.follow_up.FollowUps`."""

    async def tallies(self, task: str, series: str, *, after: int = 0) -> list[Tally]:
        """See `domain.follow_up.FollowUps`."""
        return await self._all(_tally, _TALLIES, task=task, series=series, after=after)

    async def rechecks(self, task: str, *, after: float = 0.0) -> list[Recheck]:
        """See `domain.follow_up.FollowUps`."""
        return await self._all(codec.decode_recheck, _RECHECKS, task=task, after=after)

    async def add_rechecks(self, rechecks: Sequence[Recheck]) -> None:
        """See `domain.follow_up.FollowUps`."""
        await self._database.write(lambda db: add_rechecks(db, rechecks))

    async def signal_events(self, task: str) -> list[SignalEvent]:
        """See `domain.follow_up.FollowUps`."""
        return await self._all(codec.decode_event, _EVENTS, task=task)

    async def add_signal_event(self, event: SignalEvent) -> None:
        """See `domain.follow_up.FollowUps`."""
        await self._write(
            "INSERT OR IGNORE INTO signal_events (id, task, at, body) VALUES (?, ?, ?, ?)",
            *(event.id, event.task, event.at, codec.encode(event)),
        )

    async def undelivered_events(self, *, limit: int) -> list[SignalEvent]:
        """See `domain.follow_up.FollowUps`."""
        return await self._all(codec.decode_event, _UNDELIVERED, limit=limit)

    async def event_delivered(self, event_id: str, *, at: float) -> None:
        """See `domain.follow_up.FollowUps`."""
        await self._write("UPDATE signal_events SET delivered_at = ? WHERE id = ?", at, event_id)

    async def claim(self, name: str, *, owner: str, lease_s: float, at: float) -> bool:
        """See `domain.follow_up.FollowUps`."""
        return await self._write(_CLAIM, name, owner, at + lease_s, at) > 0

    async def expect(self, expected: Expected) -> None:
        """See `domain.follow_up.FollowUps`."""
        await self._write("INSERT INTO expected (task, body) VALUES (?, ?)", expected.task, codec.encode(expected))

    async def expected(self, task: str) -> list[Expected]:
        """See `domain.follow_up.FollowUps`."""
        return await self._all(codec.decode_expected, _EXPECTED, task=task)


def put_tallies(connection: sqlite3.Connection, tallies: Sequence[Tally]) -> None:
    """Keep each in the place of the one of its task, series and hour; the caller owns the transaction."""
    connection.executemany(
        "INSERT OR REPLACE INTO tallies (task, series, hour, body) VALUES (?, ?, ?, ?)",
        [(tally.task, tally.series, tally.hour, tally.body) for tally in tallies],
    )


def add_rechecks(connection: sqlite3.Connection, rechecks: Sequence[Recheck]) -> None:
    """Keep those that are not known yet; the caller owns the transaction."""
    connection.executemany(
        "INSERT OR IGNORE INTO rechecks (id, task, at, cost_usd, body) VALUES (?, ?, ?, ?, ?)",
        [(each.id, each.task, each.at, each.cost_usd, codec.encode(each)) for each in rechecks],
    )


def _tally(task: str, series: str, hour: int, body: bytes) -> Tally:
    return Tally(task=task, series=series, hour=hour, body=body)

"""What happened, in the order in which it happened: the part of the store that a replay reads.

A page begins after the number of the last row of the page before it, so that millions of rows need no memory.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from domain.records import Exchange, Pair


class WatchedRow(msgspec.Struct, frozen=True):
    """An exchange that the drift stage has seen; rows with a higher `number` were seen later."""

    number: int
    exchange: Exchange
    novelty: float | None
    cluster: int | None


class ClosedRow(msgspec.Struct, frozen=True):
    """A shadow sample that has ended, with its exchange; rows with a higher `number` ended later."""

    number: int
    pair: Pair
    exchange: Exchange


class Chronicle(Protocol):
    """The part of `domain.store.Store` that reads it.  Methods raise StoreError as there."""

    async def watched(self, task: str, *, after: int = 0, limit: int = 1000) -> list[WatchedRow]:
        """The first `limit` watched exchanges whose number is above `after`, in the order in which they were watched.

        That is the order of the journal, unless a worker died with a batch that another one took over later.
        """
        ...

    async def last_watched(self, task: str, *, until: float, limit: int) -> list[WatchedRow]:
        """Of the watched exchanges with `at <= until` the `limit` latest by that time, by their numbers."""
        ...

    async def watched_count(self, task: str) -> int:
        """How many exchanges have been watched."""
        ...

    async def closed(self, task: str, *, after: int = 0, limit: int = 1000) -> list[ClosedRow]:
        """The first `limit` shadow samples with an end whose number is above `after`, in closing order."""
        ...

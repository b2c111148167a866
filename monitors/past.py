"""What detectors are armed from: the part of the store that tells what was found out so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.chronicle import WatchedRow
    from domain.follow_up import Expected, Tally
    from domain.records import DetectorState, Reading, Signal


class Past(Protocol):
    """Methods of `domain.store.Store`; a replay keeps them in memory."""

    async def tallies(self, task: str, series: str, *, after: int = 0) -> list[Tally]:
        """See `domain.follow_up.FollowUps`."""
        ...

    async def expected(self, task: str) -> list[Expected]:
        """See `domain.follow_up.FollowUps`."""
        ...

    async def last_watched(self, task: str, *, until: float, limit: int) -> list[WatchedRow]:
        """See `domain.chronicle.Chronicle`."""
        ...

    async def readings(self, task: str, *, after: float = 0.0) -> list[Reading]:
        """See `domain.store.Store`."""
        ...

    async def detector_states(self, task: str, reference_id: str) -> list[DetectorState]:
        """See `domain.store.Store`."""
        ...

    async def signals(self, task: str, *, after: float = 0.0) -> list[Signal]:
        """See `domain.store.Store`."""
        ...

    async def blob(self, blob_id: str) -> bytes | None:
        """See `domain.store.Store`."""
        ...

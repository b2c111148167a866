"""Stretches of traffic through which a task's detectors stay armed as they are.

A detector is armed anew with each local day, with each deployment and when days are marked as expected.  When that is
follows from the times of the exchanges alone, not from when a worker came to them: so a worker that was late, or a
replay, arms alike.  Time only goes forward: what comes late belongs to the stretch it comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from domain.records import Deployment
from monitors.days import Days
from monitors.era import standing_since

T = TypeVar("T")


class Epoch(NamedTuple):
    """A stretch: two of one day and after as many `changes` are the same."""

    at: float  # as of which detectors are armed
    day: int  # local
    changes: int

    @property
    def mark(self) -> tuple[int, int]:
        """What tells it from others."""
        return self.day, self.changes


class Epochs:
    """Cuts the rows of one task, in the order in which they come."""

    def __init__(self, zone: str) -> None:
        """`zone`: an IANA name."""
        self._days = Days(zone)
        self._now = float("-inf")

    @property
    def begun(self) -> bool:
        """Whether any time has been reached."""
        return self._now > float("-inf")

    def reach(self, at: float) -> None:
        """Begin where another worker has stopped: what comes now is not of an earlier stretch."""
        self._now = max(self._now, at)

    def split(
        self, rows: Sequence[T], *, at: Callable[[T], float], changes: Iterable[float]
    ) -> tuple[Epoch, list[T], list[T]]:
        """The stretch of the first row, the rows up to the first of a later one, and the others.

        Args:
            rows: One or more.
            at: The time of a row.
            changes: When a deployment was made or days were marked, in any order.
        """
        self.reach(at(rows[0]))
        times = sorted(changes)
        known = sum(time <= self._now for time in times)
        end = min([self._days.end(self._now), *times[known:]])
        cut = next((number for number, row in enumerate(rows) if at(row) >= end), len(rows))
        return Epoch(self._now, self._days.day(self._now), known), list(rows[:cut]), list(rows[cut:])


def in_force(history: Sequence[Deployment], at: float) -> Deployment | None:
    """What `monitors.era.standing_since` tells of the deployments made at or before `at`; before all, of the first."""
    return standing_since([deployment for deployment in history if deployment.at <= at] or history[:1])

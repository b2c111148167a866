"""What follows a signal, and what the monitors count by the hour: values, and the part of the store that keeps them.

All times are seconds since the epoch (UTC), all money is US dollars.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

import msgspec


class SignalState(enum.StrEnum):
    """Where a task stands."""

    OK = "ok"
    WARNING = "warning"
    ALARM = "alarm"
    ACKNOWLEDGED = "acknowledged"
    RETRAINING = "retraining"
    RECOVERED = "recovered"


class SignalEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's or something's answer to a signal.  Idempotent by `id`."""

    id: str
    task: str
    signal_id: str
    state: SignalState
    at: float
    by: str
    note: str = ""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Days that were unusual and harmless, so that the detectors learn from them.  Days are of the task's time zone."""

    task: str
    first_day: str  # ISO 8601, inclusive
    last_day: str
    at: float
    by: str
    note: str = ""


class RecheckKind(enum.StrEnum):
    """Why the teacher was asked a second time."""

    CANARY = "canary"  # a fixed prompt: has the teacher changed?
    SELF = "self"  # an input of a pair: how often does the teacher agree with itself?


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """A second answer of the teacher, compared with its first.  Idempotent by `id`."""

    id: str
    task: str
    kind: RecheckKind
    key: str  # sha256 of the canary prompt, or the exchange's id
    at: float
    teacher: str
    answer: str = ""
    agreed: bool | None = None  # None: there was nothing to compare with, or no answer
    score: float | None = None
    cost_usd: float = 0.0
    probability: float = 1.0  # inclusion probability of having been asked again, among all traffic


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted in one hour of a task: a series belongs to a reference (inputs) or to a deployment (pairs)."""

    task: str
    series: str
    hour: int  # whole hours since the epoch, UTC
    body: bytes  # JSON


class FollowUps(Protocol):
    """The part of `domain.store.Store` that concerns these.  Methods raise StoreError as there."""

    async def tallies(self, task: str, series: str, *, after: int = 0) -> list[Tally]:
        """The hours of a series that are `after` or later, in order."""
        ...

    async def rechecks(self, task: str, *, after: float = 0.0) -> list[Recheck]:
        """Second answers of the teacher, oldest first."""
        ...

    async def add_rechecks(self, rechecks: Sequence[Recheck]) -> None:
        """Keep second answers; one whose id is known already is left as it is."""
        ...

    async def signal_events(self, task: str) -> list[SignalEvent]:
        """What followed the signals of a task, oldest first."""
        ...

    async def add_signal_event(self, event: SignalEvent) -> None:
        """Keep an event; one whose id is known already is left as it is."""
        ...

    async def undelivered_events(self, *, limit: int) -> list[SignalEvent]:
        """Events nobody has been told of, oldest first."""
        ...

    async def event_delivered(self, event_id: str, *, at: float) -> None:
        """Mark an event delivered."""
        ...

    async def claim(self, name: str, *, owner: str, lease_s: float, at: float) -> bool:
        """Whether `owner` alone may do what is called `name` until `at + lease_s`.

        True when nobody's claim still lasts, and for the owner itself, whose claim then lasts longer.
        """
        ...

    async def expect(self, expected: Expected) -> None:
        """Mark days as unusual and harmless."""
        ...

    async def expected(self, task: str) -> list[Expected]:
        """The days so marked, oldest mark first."""
        ...

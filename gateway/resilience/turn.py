"""What one attempt holds while it lasts: a slot of the upstream and a place at a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.clock import loop_time
from domain.errors import UpstreamError
from gateway.resilience.outcome import blames_replica, is_failure, is_good

if TYPE_CHECKING:
    from gateway.resilience.metrics import UpstreamMetrics
    from gateway.resilience.outcome import Outcome
    from gateway.resilience.replica import Replica
    from gateway.resilience.slots import Slots


class Turn:
    """Begun with a slot that was taken; ended by exactly one of `answered` and `failed`, which gives both back."""

    __slots__ = ("_healthy", "_metrics", "_replica", "_slots", "_ticket")

    def __init__(self, slots: Slots, replica: Replica, *, metrics: UpstreamMetrics) -> None:
        self._slots = slots
        self._replica = replica
        self._metrics = metrics
        self._ticket = replica.enter()
        self._healthy = True

    def answered(self, outcome: Outcome) -> None:
        """The attempt gave an outcome; the turn lasts until that is closed."""
        if is_good(outcome):
            self._metrics.ok.inc()
            self._replica.began(self._ticket)
        else:
            self._metrics.attempts("status").inc()
            self._healthy = not blames_replica(outcome)
        outcome.when_closed(self._closed)

    def failed(self, error: BaseException) -> None:
        """The attempt gave none.  A cancellation says nothing about the replica."""
        well = None
        if isinstance(error, UpstreamError):
            self._metrics.attempts(error.kind).inc()
            well = False if is_failure(error.kind) else None
        self._end(well)

    def _closed(self, well: bool) -> None:
        self._end(self._healthy and well)

    def _end(self, well: bool | None) -> None:
        self._replica.leave(self._ticket, well=well, now=loop_time())
        self._slots.give_back()

"""Single attempts at a call: each in its turn, at the replica that suits best, with a hedge when it is slow."""

from __future__ import annotations

import functools
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic

from domain.clock import loop_time
from gateway.resilience.balancer import Balancer
from gateway.resilience.budget import HedgeBudget
from gateway.resilience.hedge import race
from gateway.resilience.latency import Latency
from gateway.resilience.metrics import Refusal
from gateway.resilience.outcome import Attempt, T, is_good
from gateway.resilience.slots import Slots
from gateway.resilience.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.settings import UpstreamSettings
    from gateway.resilience.metrics import UpstreamMetrics
    from gateway.resilience.replica import Replica


class Call(Generic[T]):
    """What all attempts at one call share.  `deadline` is in loop time."""

    __slots__ = ("attempt", "deadline", "streams", "used")

    def __init__(self, attempt: Attempt[T], deadline: float, *, streams: bool) -> None:
        self.attempt = attempt
        self.deadline = deadline
        self.streams = streams
        self.used: list[Replica] = []  # in the order of the attempts


class Attempts:
    """Makes the attempts at the calls of one upstream."""

    def __init__(
        self, name: str, replicas: Sequence[Replica], settings: UpstreamSettings, *, metrics: UpstreamMetrics
    ) -> None:
        self._balancer = Balancer(name, replicas)
        self._slots = Slots(name, settings, metrics=metrics)
        self._metrics = metrics
        self._hedges = settings.hedge and len(replicas) > 1
        self._hedge_budget = HedgeBudget()
        self._latencies = (Latency(), Latency())  # of whole answers; of streams until they begin
        streamed_s = min(settings.attempt_timeout_s, settings.first_token_timeout_s)
        self._limits_s = (settings.attempt_timeout_s, streamed_s)

    def called(self) -> None:
        """A call came in."""
        self._hedge_budget.called()

    def make(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """The outcome of one attempt, or of the better of two when it is hedged.

        Raises:
            UpstreamError: it failed, or there was no turn or no replica for it (OVERLOADED).
        """
        if self._hedges:
            return self._hedged(call)
        return self._begin(call) if self._slots.take_now() else self._first(call)

    async def _hedged(self, call: Call[T]) -> T:
        """One attempt, and a second at another replica when the first is slower than most of the last."""
        latency = self._latencies[call.streams]
        began, before = loop_time(), len(call.used)
        if latency.p95_s is None:
            outcome, second = await self._first(call), False
        else:
            first, other = functools.partial(self._first, call), functools.partial(self._second, call)
            outcome, second = await race(first, other, after_s=latency.p95_s)
        if is_good(outcome):
            latency.add(loop_time() - began)  # of a hedged call too, else the quantile would shrink with each hedge
            if len(call.used) - before > 1:
                self._metrics.hedges("second" if second else "first").inc()
        return outcome

    async def _first(self, call: Call[T]) -> T:
        """An attempt in its turn."""
        if not self._slots.take_now():
            await self._slots.take(call.deadline)
        return await self._begin(call)

    def _begin(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """An attempt with a slot that was taken for it, at the replica that suits best."""
        now = loop_time()
        replica = self._balancer.choose(now, call.used)
        if replica is None:
            self._slots.give_back()
            self._metrics.refused(Refusal.OPEN).inc()
            raise self._balancer.refusal(now)
        return self._run(call, replica, now)

    async def _second(self, call: Call[T]) -> T | None:
        """A hedge: only at another replica, without waiting, and within its budget; else None."""
        now = loop_time()
        replica = self._balancer.choose(now, call.used)
        if replica is None or not call.used or replica is call.used[-1]:
            return None
        if not self._slots.take_now():
            return None
        if not self._hedge_budget.take():
            self._slots.give_back()
            return None
        return await self._run(call, replica, now)

    async def _run(self, call: Call[T], replica: Replica, now: float) -> T:
        """An attempt with a slot that was taken for it."""
        call.used.append(replica)
        turn = Turn(self._slots, replica, metrics=self._metrics)
        try:
            outcome = await call.attempt(replica.upstream, min(call.deadline, now + self._limits_s[call.streams]))
        except BaseException as error:
            turn.failed(error)
            raise
        turn.answered(outcome)
        return outcome

"""One configured upstream with all its replicas: a call in, the best outcome that could be had out."""

from __future__ import annotations

import asyncio
import functools
import random
from typing import TYPE_CHECKING, Generic

from domain.clock import SystemClock, loop_time
from domain.errors import UpstreamError, UpstreamFailure
from gateway.resilience import retry
from gateway.resilience.balancer import Balancer
from gateway.resilience.budget import HedgeBudget, RetryBudget
from gateway.resilience.hedge import race
from gateway.resilience.latency import Latency
from gateway.resilience.metrics import Refusal
from gateway.resilience.outcome import Attempt, T, is_good
from gateway.resilience.replica import Replica
from gateway.resilience.slots import Slots
from gateway.resilience.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.settings import UpstreamSettings
    from gateway.resilience.metrics import UpstreamMetrics

_CLOCK = SystemClock()


class _Call(Generic[T]):
    """What all attempts at one call share."""

    __slots__ = ("attempt", "deadline", "streams", "used")

    def __init__(self, attempt: Attempt[T], deadline: float, streams: bool) -> None:
        self.attempt = attempt
        self.deadline = deadline
        self.streams = streams
        self.used: list[Replica] = []  # in the order of the attempts


class Group:
    """Calls wait for a slot, go to the least busy replica that works, are tried again and hedged as configured."""

    def __init__(
        self,
        name: str,
        replicas: Sequence[Upstream],
        settings: UpstreamSettings,
        *,
        metrics: UpstreamMetrics,
        random: Callable[[], float] = random.random,
        clock: Clock = _CLOCK,
    ) -> None:
        """`random` gives numbers in [0, 1) for the backoff; `clock` is what the dates of `Retry-After` are read by."""
        self._name = name
        self._replicas = tuple(
            Replica(name, number, upstream, settings.breaker, breaker_open=metrics.breaker_open[number])
            for number, upstream in enumerate(replicas)
        )
        self._balancer = Balancer(name, self._replicas)
        self._slots = Slots(name, settings, metrics=metrics)
        self._metrics = metrics
        self._random = random
        self._clock = clock
        self._retries = settings.retries
        self._retry_budget = RetryBudget()
        self._hedges = settings.hedge and len(self._replicas) > 1
        self._hedge_budget = HedgeBudget()
        self._latencies = (Latency(), Latency())  # of whole answers; of streams until they begin
        streamed_s = min(settings.attempt_timeout_s, settings.first_token_timeout_s)
        self._limits_s = (settings.attempt_timeout_s, streamed_s)

    async def call(self, attempt: Attempt[T], *, deadline: float, streams: bool) -> T:
        """The first good outcome of `attempt`, or the last one: an error of the upstream with its headers.

        Each attempt gets a replica and its own deadline (loop time), the earliest of `deadline` and the configured
        limits; for `streams` that of the first token counts too.

        Raises:
            UpstreamError: the last attempt gave no outcome, or there was none (OVERLOADED; TIMEOUT after `deadline`).
        """
        now = loop_time()
        if now >= deadline:  # spent on other models: this one is not to blame
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"no time was left to ask upstream {self._name}")
        call = _Call(attempt, deadline, streams)
        self._retry_budget.called(now)
        self._hedge_budget.called()
        failed: T | UpstreamError
        try:
            outcome = await (self._hedged(call) if self._hedges else self._first(call))
        except UpstreamError as error:
            failed = error
        else:
            if is_good(outcome):
                return outcome
            failed = outcome
        return await self._again(call, failed)

    async def aclose(self) -> None:
        """Close the connections to all replicas."""
        for replica in self._replicas:
            await replica.aclose()

    async def _again(self, call: _Call[T], failed: T | UpstreamError) -> T:
        """Retry while that may help.  A retry that gets no turn leaves the failure before it as the result."""
        for number in range(self._retries):
            if not await self._paused(call, failed, number):
                break
            try:
                outcome = await (self._hedged(call) if self._hedges else self._first(call))
            except UpstreamError as error:
                if error.kind is UpstreamFailure.OVERLOADED:
                    break
                failed = error
            else:
                if is_good(outcome):
                    return outcome
                failed = outcome
        if isinstance(failed, UpstreamError):
            raise failed
        return failed

    async def _paused(self, call: _Call[T], failed: T | UpstreamError, number: int) -> bool:
        """Wait before a retry; False: there is to be none."""
        now = loop_time()
        pause = retry.pause_s(
            failed, number=number, left_s=call.deadline - now, uniform=self._random(), wall_s=self._clock.now_s()
        )
        if pause is None:
            return False
        if not self._retry_budget.take(now):
            self._metrics.refused(Refusal.RETRY_BUDGET).inc()
            return False
        await asyncio.sleep(pause)
        reason = failed.kind if isinstance(failed, UpstreamError) else UpstreamFailure.STATUS
        self._metrics.retries(reason).inc()
        return True

    async def _hedged(self, call: _Call[T]) -> T:
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

    async def _first(self, call: _Call[T]) -> T:
        """An attempt in its turn.

        Raises:
            UpstreamError: it failed, or there was no turn or no replica for it (OVERLOADED).
        """
        if not self._slots.take_now():
            await self._slots.take(call.deadline)
        now = loop_time()
        replica = self._balancer.choose(now, call.used)
        if replica is None:
            self._slots.give_back()
            self._metrics.refused(Refusal.OPEN).inc()
            raise self._balancer.refusal(now)
        return await self._run(call, replica, now)

    async def _second(self, call: _Call[T]) -> T | None:
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

    async def _run(self, call: _Call[T], replica: Replica, now: float) -> T:
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

"""One configured upstream with all its replicas: a call in, the best outcome that could be had out."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from domain.clock import SystemClock, loop_time
from domain.errors import UpstreamError, UpstreamFailure
from gateway.resilience import retry
from gateway.resilience.attempts import Attempts, Call
from gateway.resilience.budget import RetryBudget
from gateway.resilience.metrics import Refusal
from gateway.resilience.outcome import Attempt, T, is_good
from gateway.resilience.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.settings import UpstreamSettings
    from gateway.resilience.metrics import UpstreamMetrics

_CLOCK = SystemClock()


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
        self._attempts = Attempts(name, self._replicas, settings, metrics=metrics)
        self._metrics = metrics
        self._random = random
        self._clock = clock
        self._retries = settings.retries
        self._retry_budget = RetryBudget()

    async def call(
        self, attempt: Attempt[T], *, deadline: float, streams: bool, patience_s: float = retry.PATIENCE_S
    ) -> T:
        """The first good outcome of `attempt`, or the last one: an error of the upstream with its headers.

        Each attempt gets a replica and its own deadline (loop time), the earliest of `deadline` and the configured
        limits; for `streams` that of the first token counts too.  A server that wants to be left alone for more than
        `patience_s` is not asked again.

        Raises:
            UpstreamError: the last attempt gave no outcome, or there was none (OVERLOADED; TIMEOUT after `deadline`).
        """
        now = loop_time()
        if now >= deadline:  # spent on other models: this one is not to blame
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"no time was left to ask upstream {self._name}")
        call = Call(attempt, deadline, streams=streams)
        self._retry_budget.called(now)
        self._attempts.called()
        failed: T | UpstreamError
        try:
            outcome = await self._attempts.make(call)
        except UpstreamError as error:
            failed = error
        else:
            if is_good(outcome):
                return outcome
            failed = outcome
        return await self._again(call, failed, patience_s)

    async def aclose(self) -> None:
        """Close the connections to all replicas."""
        for replica in self._replicas:
            await replica.aclose()

    async def _again(self, call: Call[T], failed: T | UpstreamError, patience_s: float) -> T:
        """Retry while that may help.  A retry that gets no turn leaves the failure before it as the result."""
        for number in range(self._retries):
            if not await self._paused(call, failed, number, patience_s):
                break
            try:
                outcome = await self._attempts.make(call)
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

    async def _paused(self, call: Call[T], failed: T | UpstreamError, number: int, patience_s: float) -> bool:
        """Wait before a retry; False: there is to be none."""
        now = loop_time()
        pause = retry.pause_s(
            failed,
            number=number,
            left_s=call.deadline - now,
            uniform=self._random(),
            wall_s=self._clock.now_s(),
            patience_s=patience_s,
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

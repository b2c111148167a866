"""How many calls an upstream gets at a time, and who waits for a turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from domain.errors import UpstreamError, UpstreamFailure
from gateway.resilience.metrics import Refusal

if TYPE_CHECKING:
    from domain.settings import UpstreamSettings
    from gateway.resilience.metrics import UpstreamMetrics


class Slots:
    """At most `max_concurrency` calls run and `max_waiting` wait, first come first served.

    A slot that comes free while calls wait goes to the first of them and is never free in between.
    """

    def __init__(self, name: str, settings: UpstreamSettings, *, metrics: UpstreamMetrics) -> None:
        self.running = 0
        self._name = name
        self._settings = settings
        self._most = settings.max_concurrency
        self._metrics = metrics
        self._queue: OrderedDict[asyncio.Future[bool], None] = OrderedDict()  # the first leaves in O(1), any other too

    @property
    def waiting(self) -> int:
        """Calls that wait for a turn."""
        return len(self._queue)

    def take_now(self) -> bool:
        """Take a slot if one is free."""
        if self.running >= self._most:
            return False
        self.running += 1
        return True

    async def take(self, deadline: float) -> None:
        """Wait for a slot, for at most `max_wait_s` and not beyond `deadline` (loop time).

        Raises:
            UpstreamError: OVERLOADED; too many wait already, or the wait was too long.
        """
        if self.take_now():
            return
        if len(self._queue) >= self._settings.max_waiting:
            raise self._refusal(Refusal.FULL)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        end = min(deadline, loop.time() + self._settings.max_wait_s)
        timer = loop.call_at(end, self._expire, turn)
        self._queue[turn] = None
        self._metrics.waiting.inc()
        try:
            granted = await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():  # the turn came in the same instant as the cancellation
                self.give_back()
            raise
        finally:
            timer.cancel()
            self._queue.pop(turn, None)
            self._metrics.waiting.dec()
        if not granted:
            raise self._refusal(Refusal.WAITED)

    def give_back(self) -> None:
        """A call is over: its slot goes to the first that waits."""
        while self._queue:
            turn, _ = self._queue.popitem(last=False)
            if not turn.done():  # it is when its call was cancelled in this instant
                turn.set_result(True)
                return
        self.running -= 1

    def _expire(self, turn: asyncio.Future[bool]) -> None:
        if not turn.done():
            del self._queue[turn]
            turn.set_result(False)

    def _refusal(self, reason: Refusal) -> UpstreamError:
        self._metrics.refused(reason).inc()
        busy = f"upstream {self._name} has {self.running} calls running and {len(self._queue)} waiting"
        advice = "raise max_concurrency if it can bear more, or add replicas"
        return UpstreamError(UpstreamFailure.OVERLOADED, f"{busy}; {advice}")

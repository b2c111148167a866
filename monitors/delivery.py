"""The outbox: every retrain signal reaches every notifier of its task at least once, however often that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.errors import UpstreamError
from monitors import metrics

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Notifier
    from domain.records import Signal
    from domain.store import Store

_LOG = logging.getLogger(__name__)
_AT_ONCE = 100
_BACKOFF_S = (1.0, 5.0, 30.0, 120.0, 600.0)


class Delivery:
    """Delivers signals; a failed one is tried again after 1 s, 5 s, 30 s, 2 min, then every 10 min."""

    def __init__(self, notifiers: Mapping[str, Sequence[Notifier]], *, store: Store, clock: Clock) -> None:
        """`notifiers`: for each task, who hears of it; the signals of a task without any count as delivered."""
        self._notifiers = notifiers
        self._store = store
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    async def step(self) -> int:
        """Try every signal that is due; returns how many were delivered.

        Raises:
            StoreError: the store cannot be used; what was delivered may be delivered again.
        """
        now, done = self._clock.now_s(), 0
        for signal in await self._store.undelivered(limit=_AT_ONCE):
            if self._not_before.get(signal.id, 0.0) <= now and await self._deliver(signal):
                await self._store.delivered(signal.id, at=now)
                self._failures.pop(signal.id, None)
                done += 1
        return done

    def forget(self) -> None:
        """Nothing is kept but when to try again."""

    async def aclose(self) -> None:
        """Close the notifiers."""
        for notifier in {id(one): one for notifiers in self._notifiers.values() for one in notifiers}.values():
            await notifier.aclose()

    async def _deliver(self, signal: Signal) -> bool:
        results = await asyncio.gather(
            *(notifier.notify(signal) for notifier in self._notifiers.get(signal.task, ())), return_exceptions=True
        )
        failed = [result for result in results if result is not None]
        for error in failed:
            if not isinstance(error, UpstreamError):
                raise error
        if not failed:
            return True
        count = self._failures[signal.id] = self._failures.get(signal.id, 0) + 1
        wait_s = _BACKOFF_S[min(count, len(_BACKOFF_S)) - 1]
        self._not_before[signal.id] = self._clock.now_s() + wait_s
        metrics.DELIVERY_FAILURES.labels(signal.task).inc(len(failed))
        _LOG.warning("not_delivered signal=%s retry_in_s=%s error=%s", signal.id, wait_s, failed[0])
        return False

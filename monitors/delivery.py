"""The outbox: every retrain signal, and what followed it, reaches every notifier of its task at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from domain.errors import UpstreamError
from domain.records import Signal, SignalKind
from monitors import metrics

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.follow_up import SignalEvent
    from domain.ports import Notifier
    from domain.store import Store

_LOG = logging.getLogger(__name__)
_AT_ONCE = 100
_BACKOFF_S = (1.0, 5.0, 30.0, 120.0, 600.0)


class Delivery:
    """Delivers signals; a failed one is tried again after 1 s, 5 s, 30 s, 2 min, then every 10 min.

    What is owed stands in the store.  Only when to try again is in memory: after a restart everything is due at once.
    """

    def __init__(
        self,
        notifiers: Mapping[str, Sequence[Notifier]],
        *,
        store: Store,
        clock: Clock,
        updates: Collection[str] = (),
    ) -> None:
        """`notifiers`: for each task, who hears of it; what nobody is to hear of counts as delivered.

        `updates`: the tasks whose notifiers hear of answers and recoveries, too.
        """
        self._notifiers = notifiers
        self._store = store
        self._clock = clock
        self._updates = updates
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    async def step(self) -> int:
        """Try everything that is due; returns how much was delivered.

        Raises:
            StoreError: the store cannot be used; what was delivered may be delivered again.
        """
        now, done = self._clock.now_s(), 0
        for signal in await self._store.undelivered(limit=_AT_ONCE):
            if self._due(signal.id, now) and await self._deliver(signal):
                await self._store.delivered(signal.id, at=now)
                done += 1
        for event in await self._owed(now):
            if await self._deliver(event):
                await self._store.event_delivered(event.id, at=now)
                done += 1
        return done

    def forget(self) -> None:
        """Nothing is kept but when to try again."""

    async def aclose(self) -> None:
        """Close the notifiers."""
        for notifier in {id(one): one for notifiers in self._notifiers.values() for one in notifiers}.values():
            await notifier.aclose()

    async def _owed(self, now: float) -> list[SignalEvent]:
        """The events that are due; those nobody is to hear of are put aside for good.

        An event waits until its signal has been delivered: an answer must not come before the question.
        """
        owed: list[SignalEvent] = []
        told: dict[str, dict[str, Signal]] = {}
        for event in await self._store.undelivered_events(limit=_AT_ONCE):
            if event.task not in told:
                told[event.task] = {signal.id: signal for signal in await self._store.signals(event.task)}
            signal = told[event.task].get(event.signal_id)
            if event.task not in self._updates or signal is None or signal.kind is not SignalKind.RETRAIN:
                await self._store.event_delivered(event.id, at=now)
            elif signal.delivered_at is not None and self._due(event.id, now):
                owed.append(event)
        return owed

    def _due(self, news_id: str, now: float) -> bool:
        return self._not_before.get(news_id, 0.0) <= now

    async def _deliver(self, news: Signal | SignalEvent) -> bool:
        results = await asyncio.gather(
            *(notifier.notify(news) for notifier in self._notifiers.get(news.task, ())), return_exceptions=True
        )
        failed = [result for result in results if result is not None]
        for error in failed:
            if not isinstance(error, UpstreamError):
                raise error
        if not failed:
            self._failures.pop(news.id, None)
            self._not_before.pop(news.id, None)
            return True
        count = self._failures[news.id] = self._failures.get(news.id, 0) + 1
        wait_s = _BACKOFF_S[min(count, len(_BACKOFF_S)) - 1]
        self._not_before[news.id] = self._clock.now_s() + wait_s
        metrics.DELIVERY_FAILURES.labels(news.task).inc(len(failed))
        _LOG.warning("not_delivered id=%s retry_in_s=%s error=%s", news.id, wait_s, failed[0])
        return False

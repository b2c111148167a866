"""Warns before a provider ends a teacher: looks at its list of models once a day."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain.errors import UpstreamError
from domain.records import Signal, SignalKind
from domain.store import WorkBatch
from monitors import metrics, retirement

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import ModelSettings, TaskSettings
    from domain.store import Store
    from monitors.catalogue import Catalogue
    from monitors.retirement import Notice
    from monitors.teacher import Teacher

REASON = "teacher_sunset"
DETECTOR = "sunset"
_LOG = logging.getLogger(__name__)
_DAY_S = 86400.0
_WEEK_S = 7 * _DAY_S
_RETRY_S = 3600.0  # after a look that failed
_PAUSE_S = 60.0  # after one that the store ended


class Sunset:
    """The teachers of all tasks.  A provider that fails or does not list one is no warning; it is logged once."""

    def __init__(
        self,
        tasks: Mapping[str, TaskSettings],
        *,
        catalogues: Mapping[str, Catalogue],
        teachers: Mapping[str, Teacher],
        store: Store,
        clock: Clock,
        owner: str,
    ) -> None:
        """`catalogues`: by upstream; `teachers`: by task, for what the headers of their replies say."""
        self._tasks = tasks
        self._catalogues = catalogues
        self._teachers = teachers
        self._store = store
        self._clock = clock
        self._owner = owner
        self._next = float("-inf")
        self._failing: set[tuple[str, str]] = set()

    async def step(self) -> int:
        """Look at every teacher, if the last look was a day ago; returns how many warnings were raised.

        Raises:
            StoreError: the store cannot be used; the next step looks again.
        """
        now, raised = self._clock.now_s(), 0
        if now < self._next:
            return 0
        self._next = now + _PAUSE_S
        by_model: dict[tuple[str, str], list[str]] = {}
        for name, task in self._tasks.items():
            by_model.setdefault((task.teacher.upstream, task.teacher.model), []).append(name)
        for key, names in by_model.items():
            notice = await self._notice(key)
            for name in names:
                notice = retirement.sooner(notice, self._teachers[name].notice)
            self._show(key, notice)
            for name in names:
                raised += await self._warn(name, notice, now)
        self._next = now + (_RETRY_S if self._failing else _DAY_S)
        return raised

    def forget(self) -> None:
        """Nothing is kept but when to look again."""

    async def aclose(self) -> None:
        """Close connections."""
        for catalogue in self._catalogues.values():
            await catalogue.aclose()

    async def _notice(self, key: tuple[str, str]) -> Notice | None:
        upstream, model = key
        try:
            notice = await self._catalogues[upstream].notice(model)
        except UpstreamError as error:
            if key not in self._failing:
                _LOG.warning("sunset_unknown upstream=%s model=%s error=%s", upstream, model, error)
            self._failing.add(key)
            return None
        self._failing.discard(key)
        return notice

    async def _warn(self, name: str, notice: Notice | None, now: float) -> int:
        task = self._tasks[name]
        signal = None if notice is None else warning(name, task.teacher, notice, days=task.signal.sunset_days, now=now)
        if signal is None or any(past.id == signal.id for past in await self._store.signals(name)):
            return 0
        await self._store.commit(WorkBatch(owner=self._owner, at=now, signals=[signal]))
        metrics.SIGNALS.labels(name, signal.reason).inc()
        _LOG.warning("teacher_sunset task=%s words=%r", name, signal.false_alarm_budget)
        return 1

    def _show(self, key: tuple[str, str], notice: Notice | None) -> None:
        """NaN where there is no date (any more): no comparison with it holds, so no alert rests on it."""
        ends_at = None if notice is None else notice.ends_at
        metrics.UPSTREAM_SUNSET.labels(*key).set(math.nan if ends_at is None else ends_at)


def warning(task: str, teacher: ModelSettings, notice: Notice, *, days: float, now: float) -> Signal | None:
    """The warning of this week, from `days` before the end on; at once where nobody said when.  Pure.

    Its id is the same all week, so that it is kept once, whoever looks how often; another date is another warning.
    """
    begins = 0.0 if notice.ends_at is None else notice.ends_at - days * _DAY_S
    if now < begins:
        return None
    week = int((now - begins) // _WEEK_S)
    name = "\0".join((task, teacher.upstream, teacher.model, repr(notice.ends_at), str(week)))
    return Signal(
        id=f"signal-{hashlib.sha256(name.encode()).hexdigest()[:24]}",
        task=task,
        kind=SignalKind.WARNING,
        reason=REASON,
        at=now,
        detector=DETECTOR,
        model=teacher.model,
        evidence=1.0,
        samples=0,
        false_alarm_budget=_words(teacher, notice),
    )


def _words(teacher: ModelSettings, notice: Notice) -> str:
    end = "is deprecated, without a date"
    if notice.ends_at is not None:
        end = f"ends on {dt.datetime.fromtimestamp(notice.ends_at, dt.UTC):%Y-%m-%d}"
    return f"no statistics: upstream {teacher.upstream} says that {teacher.model} {end} ({notice.source})"

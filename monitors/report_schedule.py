"""Starts the reports that are due: of each day after its midnight, and of each signal.  One at a time.

What has its file is not made again, so a worker that starts anew goes on where the last one ended.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from adapters import report_files
from monitors import metrics, mix
from monitors.report_process import LIMIT_S, Outcome, ReportJob

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.report_files import ReportFiles
    from domain.clock import Clock
    from domain.records import Signal
    from domain.settings import TaskSettings
    from domain.store import Store

_LOG = logging.getLogger(__name__)
_LOOK_S = 15.0  # between two looks at what is due
_SETTLE_S = 600.0  # after midnight, until what was journalled before it has been watched
_DAY_S = 86400.0
_BACK_S = 2 * _DAY_S  # signals that are older get no report any more
_MOST_SIGNALS = 10  # of a task that get a report, the newest: fewer than are kept
_AGAIN_S = (600.0, 3600.0)  # after a failure; then it is given up until the worker starts anew

Make = Callable[[ReportJob], Awaitable[Outcome]]


class ReportSchedule:
    """Steps (see `monitors.worker`) for all tasks of an installation."""

    def __init__(
        self,
        tasks: Mapping[str, TaskSettings],
        *,
        store: Store,
        files: ReportFiles,
        make: Make,
        clock: Clock,
        owner: str,
        workspace: Path | None = None,
    ) -> None:
        """`make` starts a report and says how it ended (see `report_process.make_report`); it must not raise.

        `workspace`: the folder of an Evidently workspace that keeps the numbers.
        """
        self._tasks = tasks
        self._store = store
        self._files = files
        self._make = make
        self._clock = clock
        self._owner = owner
        self._workspace = workspace
        self._failures: dict[Path, int] = {}
        self._not_before: dict[Path, float] = {}
        self._next_look = float("-inf")

    async def step(self) -> int:
        """Make one report that is due; returns how many were made, 0 or 1.

        Raises:
            StoreError: the store cannot be used.
        """
        now = self._clock.now_s()
        if now < self._next_look:
            return 0
        for task, settings in self._tasks.items():
            signals = await self._store.signals(task, after=now - _BACK_S)
            for job in self._jobs(task, settings.time_zone, signals, now):
                if self._due(job, now) and await self._claimed(job, now):
                    await self._report(job)
                    return 1
        self._next_look = now + _LOOK_S
        return 0

    def forget(self) -> None:
        """Nothing is kept but when to try again."""

    def _jobs(self, task: str, time_zone: str, signals: list[Signal], now: float) -> Iterator[ReportJob]:
        """What there should be: a report of each recent signal, the newest first, and one of yesterday."""
        for signal in signals[: -_MOST_SIGNALS - 1 : -1]:
            name = report_files.alarm(mix.day_of(signal.at, time_zone), signal.id)
            yield ReportJob(task, self._files.path(task, name), signal_id=signal.id, workspace=self._workspace)
        day = mix.day_before(now - _SETTLE_S, time_zone)
        path = self._files.path(task, report_files.daily(day))
        yield ReportJob(task, path, day=day, workspace=self._workspace)

    def _due(self, job: ReportJob, now: float) -> bool:
        return now >= self._not_before.get(job.out, now) and not job.out.exists()

    async def _claimed(self, job: ReportJob, now: float) -> bool:
        """Whether this worker alone makes it: others share the store, and perhaps the disk."""
        name = f"report/{job.task}/{job.out.name}"
        return await self._store.claim(name, owner=self._owner, lease_s=2 * LIMIT_S, at=now)

    async def _report(self, job: ReportJob) -> None:
        outcome = await self._make(job)
        metrics.REPORTS.labels(job.task, outcome).inc()
        _LOG.info("report_ended task=%s report=%s outcome=%s", job.task, job.out.name, outcome)
        self._files.prune(job.task)
        if outcome is not Outcome.WRITTEN:
            failures = self._failures[job.out] = self._failures.get(job.out, 0) + 1
            # Where there was nothing to report of a past time, there never will be.
            again = outcome is not Outcome.NOTHING and failures <= len(_AGAIN_S)
            wait_s = _AGAIN_S[failures - 1] if again else float("inf")
            self._not_before[job.out] = self._clock.now_s() + wait_s

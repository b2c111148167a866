"""Asks the teacher the canary prompts, round after round, and warns when it is no longer the teacher it was."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.metrics import COST_USD
from domain.durations import seconds
from domain.follow_up import Recheck, RecheckKind
from domain.ports import Observation
from domain.records import Reading, Signal
from domain.store import WorkBatch
from monitors import metrics, teacher_drift
from monitors.prompts import exchange_of
from monitors.rounds import Round, Rounds, read_rounds, series_of, serving_since
from monitors.teacher_drift import TeacherDetector

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Evidence
    from domain.settings import TaskSettings, TeacherCheckSettings
    from domain.store import Store
    from monitors.budget import Budget
    from monitors.prompts import Prompt
    from monitors.rechecking import Rechecker

_LOG = logging.getLogger(__name__)
_LOOK_S = 30.0
_TRIES = 3  # of a prompt in a round
_AWAY_S = 600.0  # until the next try, when nothing was answered
_DAY_S = 86400.0


class TeacherCheck:
    """The rounds of one task; one worker at a time, which holds the claim `teacher_check/<task>`.

    Everything is in the store, so a worker that is killed leaves a round that the next one completes.  The money is the
    shadow's: without any, a round waits.
    """

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        check: TeacherCheckSettings,
        *,
        prompts: Sequence[Prompt],
        rechecker: Rechecker,
        budget: Budget,
        store: Store,
        clock: Clock,
        owner: str,
    ) -> None:
        self._name = name
        self._task = task
        self._every_s = seconds(check.every)
        self._prompts = {prompt.key: prompt for prompt in prompts}
        self._rechecker = rechecker
        self._budget = budget
        self._store = store
        self._clock = clock
        self._owner = owner
        self._next = float("-inf")
        self._since: float | None = None  # when the student began to serve whose rounds are in memory; None: none are
        self._rounds = Rounds("")
        self._detector = self._new_detector()
        self._tries: Counter[str] = Counter()

    async def step(self) -> int:
        """Ask what is wanted now; returns how many prompts were answered.

        Raises:
            StoreError: nothing was kept; call `forget`, then try again.
        """
        now = self._clock.now_s()
        if now < self._next:
            return 0
        self._next = now + _LOOK_S
        lease_s = 2 * _LOOK_S + 4 * self._task.shadow.timeout_s  # other loops may have asked the same teacher before
        if not await self._store.claim(f"teacher_check/{self._name}", owner=self._owner, lease_s=lease_s, at=now):
            self._since = None  # what is in memory is another worker's to change
            return 0
        await self._arm()
        if self._rounds.current is None:
            if not self._rounds.due(now, every_s=self._every_s, learning=self._detector.learning):
                return 0
            self._rounds, self._tries = self._rounds.begin(now), Counter()
        return await self._go_on(now)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the store again."""
        self._since, self._next = None, float("-inf")

    def _new_detector(self) -> TeacherDetector:
        return TeacherDetector(
            prompts=len(self._prompts), rounds_per_day=_DAY_S / self._every_s, days=self._task.drift.false_alarm_days
        )

    async def _arm(self) -> None:
        """Read the rounds since the present student began to serve, if they are not in memory."""
        since = serving_since(await self._store.deployments(self._name))
        if since == self._since:
            return
        series = series_of(self._name, self._rechecker.model, self._prompts, since=since)
        readings = await self._store.readings(self._name, after=since)
        closed = {reading.at for reading in readings if reading.detector == TeacherDetector.name}
        self._rounds = read_rounds(series, await self._store.rechecks(self._name, after=since), closed)
        self._detector = self._new_detector()
        for each in self._rounds.done[1:]:
            self._observe(each)
        self._since, self._tries = since, Counter()

    def _observe(self, done: Round) -> Evidence:
        return self._detector.update(Observation(at=done.at, counts=done.counts()))

    async def _go_on(self, now: float) -> int:
        """Ask the next prompts of the round that runs, or close it when all have been tried."""
        current = self._rounds.current
        assert current is not None
        # A round without any answer is no round: the teacher is away, and is asked until it is back.
        most = _TRIES if current.answers else float("inf")
        left = [key for key in self._rounds.wanted(tuple(self._prompts)) if self._tries[key] < most]
        if not left:
            await self._close(current)
            self._next = now
            return 0
        keys = sorted(left, key=self._tries.__getitem__)[: self._task.shadow.concurrency]
        answered = await self._ask(keys, at=max(now, current.at))
        self._next = now if answered else now + _AWAY_S
        return answered

    async def _ask(self, keys: Sequence[str], *, at: float) -> int:
        await self._budget.refresh()
        first = self._rounds.first_answers()
        found = await asyncio.gather(*(self._answer(key, first.get(key), at=at) for key in keys))
        answers = [answer for answer in found if answer is not None]
        await self._store.add_rechecks(answers)
        self._rounds = self._rounds.answered(answers)
        cost_usd = sum(answer.cost_usd for answer in answers)
        self._budget.stored(cost_usd)
        COST_USD.labels(self._name, "teacher_check").inc(cost_usd)
        return len(answers)

    async def _answer(self, key: str, first: str | None, *, at: float) -> Recheck | None:
        """The answer to a prompt, held against the first one; None when there was none, or no money for it."""
        prompt = self._prompts[key]
        async with self._budget.call(prompt.request) as call:
            if call is None:
                return None
            self._tries[key] += 1
            answer = await self._rechecker.ask(
                exchange_of(prompt, self._name),
                first,
                kind=RecheckKind.CANARY,
                recheck_id=self._rounds.answer_id(key),
                at=at,
            )
            call.cost_usd = 0.0 if answer is None else answer.cost_usd
        return answer

    async def _close(self, done: Round) -> None:
        """Take a whole round in: its reading is what says that it is closed."""
        found = self._observe(done) if self._rounds.done else None
        reading = teacher_drift.reading(self._name, self._rechecker.model, found, at=done.at)
        past = await self._store.signals(self._name)
        raised = teacher_drift.warnings(
            reading, past, settings=self._task.signal, series=self._rounds.series, budget=self._detector.budget()
        )
        await self._store.commit(WorkBatch(owner=self._owner, at=done.at, readings=[reading], signals=raised))
        self._rounds = self._rounds.close()
        self._show(reading, raised)

    def _show(self, reading: Reading, raised: Sequence[Signal]) -> None:
        metrics.show(self._name, reading)
        _LOG.info("canaries_asked task=%s answered_otherwise=%.3f", self._name, reading.score)
        for signal in raised:
            metrics.SIGNALS.labels(self._name, signal.reason).inc()
            _LOG.warning("teacher_drift task=%s model=%s evidence=%.2f", self._name, signal.model, signal.evidence)

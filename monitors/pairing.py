"""The agreement half of a worker: closes shadow samples, watches agreement and safety."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.metrics import COST_USD
from domain.records import SignalKind
from domain.store import PendingPair, WorkBatch
from monitors import agreement, metrics, parity
from monitors.epochs import Epochs
from monitors.era import standing_since
from monitors.pair_watch import DAY_S, PairWatch

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.records import Deployment, Reading
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.budget import Budget
    from monitors.closing import Closed, Closing
    from monitors.course import Course
    from monitors.epochs import Epoch
    from monitors.safety import Safety

_LOG = logging.getLogger(__name__)
_ROUNDS = 4  # teacher calls of a batch, one after the other on each of the concurrent slots
_LEASE_S = 60.0  # on top of the longest time that the calls of a batch can take: at the end of the money, one by one


class Pairing:
    """Closes pending shadow samples of one task; every one ends in exactly one terminal state."""

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        *,
        store: Store,
        closing: Closing,
        safety: Safety,
        budget: Budget,
        course: Course,
        clock: Clock,
        owner: str,
    ) -> None:
        """`budget` and `course` are shared with the task's `Watch`."""
        self._name = name
        self._task = task
        self._store = store
        self._closing = closing
        self._budget = budget
        self._course = course
        self._clock = clock
        self._owner = owner
        self._epochs = Epochs(task.time_zone)
        self._armed_as: object = None  # for which deployment and stretch of traffic
        self._current = False  # whether what is in memory is what was committed
        self._rest: list[PendingPair] = []  # leased, and of a later stretch
        self._watch = PairWatch(task, course, safety=bool(safety))

    async def step(self) -> int:
        """Close one batch; returns how many samples it had.

        Raises:
            StoreError: the batch was rolled back; call `forget`, then try again.
            ModelError: the reference of the deployment is missing or damaged.
        """
        at = self._clock.now_s()
        waiting = self._rest or await self._lease(at)
        if not waiting:
            return 0
        leased = await self._armed_rows(waiting)
        await self._budget.refresh()
        closed = await asyncio.gather(*(self._closing.close(one, serves=self._serves, at=at) for one in leased))
        batch = self._batch(closed, await self._readings(leased))
        await self._store.commit(batch)
        self._budget.stored(sum(each.cost_usd for each in closed))
        self._show(batch)
        return len(leased)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the committed state again."""
        self._current, self._rest = False, []

    async def _lease(self, at: float) -> list[PendingPair]:
        shadow = self._task.shadow
        return await self._store.lease_pairs(
            self._name,
            owner=self._owner,
            limit=_ROUNDS * shadow.concurrency,
            lease_s=_LEASE_S + _ROUNDS * shadow.concurrency * shadow.timeout_s,
            at=at,
        )

    async def _armed_rows(self, waiting: Sequence[PendingPair]) -> list[PendingPair]:
        """Arm for the first of the rows; returns those for which that holds, and keeps the others for the next step."""
        deployment = standing_since(await self._store.deployments(self._name))
        marks = [mark.at for mark in await self._store.expected(self._name)]
        epoch, rows, self._rest = self._epochs.split(waiting, at=lambda sample: sample.exchange.at, changes=marks)
        await self._arm(epoch, deployment)
        return rows

    async def _arm(self, epoch: Epoch, deployment: Deployment | None) -> None:
        """Load the detectors and the recent pairs of the student that serves, if that is not what is in memory."""
        mark = (deployment, epoch.mark)
        if self._current and mark == self._armed_as:
            return
        since, model = (0.0, "") if deployment is None else (deployment.at, deployment.model)
        most = max(_ROUNDS * self._task.agreement.window, parity.WINDOW)
        pairs = await self._store.pairs(self._name, after=since, model=model, limit=most)
        self._budget.learn(pairs)
        await self._watch.arm(self._store, deployment, at=epoch.at)
        rows = await self._store.exchanges_by_id([pair.exchange_id for pair in pairs])
        exchanges = {row.exchange.id: row.exchange for row in rows}
        known = [(pair, exchanges[pair.exchange_id]) for pair in pairs if pair.exchange_id in exchanges]
        self._watch.remind(known, await self._store.rechecks(self._name, after=since))
        self._armed_as, self._current = mark, True

    def _serves(self, model: str) -> bool:
        """Whether a student answers clients, as the champion or as the challenger."""
        deployment = self._watch.deployment
        if deployment is None:
            return True
        return model == deployment.model or (deployment.canary is not None and model == deployment.canary.model)

    async def _readings(self, leased: Sequence[PendingPair]) -> list[Reading]:
        """Those of the last day, for the evidence of a signal."""
        since = min(sample.exchange.at for sample in leased) - DAY_S
        deployment = self._watch.deployment
        return [] if deployment is None else await self._store.readings(self._name, after=max(deployment.at, since))

    def _batch(self, closed: Sequence[Closed], readings: Sequence[Reading]) -> WorkBatch:
        harvest = self._watch.see(closed, readings)
        return WorkBatch(
            owner=self._owner,
            at=self._clock.now_s(),
            closed=[each.pair for each in closed],
            rechecks=[each.recheck for each in closed if each.recheck is not None],
            states=harvest.states,
            tallies=harvest.tallies,
            readings=harvest.readings,
            signals=harvest.signals,
        )

    def _show(self, batch: WorkBatch) -> None:
        for reading in batch.readings:
            metrics.show(self._name, reading)
        for pair in batch.closed:
            metrics.SHADOW.labels(self._name, pair.state).inc()
            COST_USD.labels(self._name, "shadow").inc(pair.cost_usd)
        COST_USD.labels(self._name, "selfcheck").inc(sum(recheck.cost_usd for recheck in batch.rechecks))
        metrics.show_agreement(self._name, agreement.estimate(self._watch.agreement.recent), self._course.ceiling)
        metrics.show_parity(self._name, parity.estimate(self._watch.parity.recent))
        for signal in batch.signals:
            metrics.SIGNALS.labels(self._name, signal.reason).inc()
            _LOG.warning(
                "retrain_signal task=%s reason=%s evidence=%.2f pairs=%s",
                *(self._name, signal.reason, signal.evidence, signal.pairs_used),
            )
        for follower in self._watch.followers:
            if (armed := follower.armed) is not None:
                alarms = armed.alarms_30d(SignalKind.RETRAIN, at=batch.at)
                metrics.ALARMS_30D.labels(self._name, armed.detector.name).set(alarms)

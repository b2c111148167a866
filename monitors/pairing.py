"""The agreement half of a worker: closes shadow samples, watches agreement and safety."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.metrics import COST_USD
from domain.records import Deployment, SignalKind
from domain.store import PendingPair, WorkBatch
from monitors import agreement, arming, metrics, parity
from monitors.aspect import AGREEMENT, SAFETY_PARITY
from monitors.days import Days
from monitors.era import standing_since
from monitors.follower import Follower, Surroundings

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.budget import Budget
    from monitors.closing import Closed, Closing
    from monitors.course import Course
    from monitors.safety import Safety

_LOG = logging.getLogger(__name__)
_ROUNDS = 4  # teacher calls of a batch, one after the other on each of the concurrent slots
_LEASE_S = 60.0  # on top of the longest time that the calls of a batch can take: at the end of the money, one by one
_DAY_S = 86400.0


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
        self._days = Days(task.time_zone)
        self._armed_for: Deployment | None = None
        self._armed_as: object = None  # with which day and expected days
        self._current = False  # whether what is in memory is what was committed
        self._rest: list[PendingPair] = []  # leased, and of a later day
        self._agreement = Follower(AGREEMENT, task, window=task.agreement.window)
        self._parity = Follower(SAFETY_PARITY, task, window=parity.WINDOW)
        self._followers = (self._agreement, self._parity) if safety else (self._agreement,)

    async def step(self) -> int:
        """Close one batch; returns how many samples it had.

        Raises:
            StoreError: the batch was rolled back; call `forget`, then try again.
            ModelError: the reference of the deployment is missing or damaged.
        """
        at = self._clock.now_s()
        leased = await self._lease(at)
        await self._arm(leased[0].exchange.at if leased else at)
        if not leased:
            return 0
        await self._budget.refresh()
        closed = await asyncio.gather(*(self._closing.close(one, serves=self._serves, at=at) for one in leased))
        batch = self._batch(closed, await self._surroundings())
        await self._store.commit(batch)
        self._budget.stored(sum(each.cost_usd for each in closed))
        self._course.take([(each.pair, each.exchange) for each in self._champions(closed)], batch.rechecks)
        self._show(batch)
        return len(leased)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the committed state again."""
        self._current, self._rest = False, []

    async def _lease(self, at: float) -> list[PendingPair]:
        """The next samples, all of one day: with a new day baselines may be learned anew."""
        shadow = self._task.shadow
        leased = self._rest or await self._store.lease_pairs(
            self._name,
            owner=self._owner,
            limit=_ROUNDS * shadow.concurrency,
            lease_s=_LEASE_S + _ROUNDS * shadow.concurrency * shadow.timeout_s,
            at=at,
        )
        first, self._rest = self._days.split(leased, at=lambda sample: sample.exchange.at)
        return first

    async def _arm(self, at: float) -> None:
        """Load the detectors and the recent pairs of the student that serves, if that is not what is in memory."""
        deployment = standing_since(await self._store.deployments(self._name))
        mark = (deployment, self._days.day(at), len(await self._store.expected(self._name)))
        if self._current and mark == self._armed_as:
            return
        since, model = (0.0, "") if deployment is None else (deployment.at, deployment.model)
        most = max(_ROUNDS * self._task.agreement.window, parity.WINDOW)
        pairs = await self._store.pairs(self._name, after=since, model=model, limit=most)
        self._budget.learn(pairs)
        for follower, arm in zip(self._followers, (arming.arm_pairing, arming.arm_parity), strict=False):
            armed = None
            if deployment is not None:
                armed = await arm(self._store, self._task, deployment, at=at)
            follower.start(armed, pairs)
        rows = await self._store.exchanges_by_id([pair.exchange_id for pair in pairs])
        exchanges = {row.exchange.id: row.exchange for row in rows}
        known = [(pair, exchanges[pair.exchange_id]) for pair in pairs if pair.exchange_id in exchanges]
        self._course.start(known, await self._store.rechecks(self._name, after=since))
        self._armed_for, self._armed_as, self._current = deployment, mark, True

    def _serves(self, model: str) -> bool:
        """Whether a student answers clients, as the champion or as the challenger."""
        deployment = self._armed_for
        if deployment is None:
            return True
        return model == deployment.model or (deployment.canary is not None and model == deployment.canary.model)

    def _champions(self, closed: Sequence[Closed]) -> list[Closed]:
        """A challenger's pairs are kept, but say nothing about the champion that is watched."""
        deployment = self._armed_for
        return [each for each in closed if deployment is None or each.pair.model == deployment.model]

    def _batch(self, closed: Sequence[Closed], surroundings: Surroundings) -> WorkBatch:
        own = [(each.exchange, each.pair) for each in self._champions(closed)]
        followed = [follower.follow(own, surroundings) for follower in self._followers]
        armed = [follower.armed for follower in self._followers if follower.armed is not None]
        return WorkBatch(
            owner=self._owner,
            at=self._clock.now_s(),
            closed=[each.pair for each in closed],
            rechecks=[each.recheck for each in closed if each.recheck is not None],
            states=[each.state() for each in armed],
            tallies=[tally for each in armed for tally in each.tallies()],
            readings=[reading for each in followed for reading in each.readings],
            signals=[signal for each in followed for signal in each.signals],
        )

    async def _surroundings(self) -> Surroundings:
        """What else is known, for the evidence of a signal."""
        if self._armed_for is None:
            return Surroundings()
        since = max(self._armed_for.at, self._clock.now_s() - _DAY_S)
        readings = await self._store.readings(self._name, after=since)
        ceiling = self._course.ceiling
        return Surroundings(
            drift_scores={reading.detector: reading.score for reading in readings},
            slices=tuple(f"{each.dimension} {each.value}" for each in self._course.worse),
            ceiling=None if ceiling is None else ceiling.estimate,
        )

    def _show(self, batch: WorkBatch) -> None:
        for reading in batch.readings:
            metrics.show(self._name, reading)
        for pair in batch.closed:
            metrics.SHADOW.labels(self._name, pair.state).inc()
            COST_USD.labels(self._name, "shadow").inc(pair.cost_usd)
        COST_USD.labels(self._name, "selfcheck").inc(sum(recheck.cost_usd for recheck in batch.rechecks))
        metrics.show_agreement(self._name, agreement.estimate(self._agreement.recent), self._course.ceiling)
        metrics.show_parity(self._name, parity.estimate(self._parity.recent))
        for signal in batch.signals:
            metrics.SIGNALS.labels(self._name, signal.reason).inc()
            _LOG.warning(
                "retrain_signal task=%s reason=%s evidence=%.2f pairs=%s",
                *(self._name, signal.reason, signal.evidence, signal.pairs_used),
            )
        for follower in self._followers:
            if (armed := follower.armed) is not None:
                alarms = armed.alarms_30d(SignalKind.RETRAIN, at=batch.at)
                metrics.ALARMS_30D.labels(self._name, armed.detector.name).set(alarms)

"""The agreement half of a worker: asks the teacher about shadow samples, compares, watches agreement and safety."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from adapters.metrics import COST_USD
from domain.durations import seconds
from domain.errors import UpstreamError
from domain.records import Deployment, Exchange, Pair, PairState, SignalKind
from domain.store import PendingPair, WorkBatch
from monitors import agreement, arming, metrics, parity
from monitors.aspect import AGREEMENT, SAFETY_PARITY
from monitors.follower import Follower

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.comparers import Comparer
    from domain.prices import Price
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.answers import Reply
    from monitors.safety import Safety
    from monitors.teacher import Teacher

_LOG = logging.getLogger(__name__)
_ROUNDS = 4  # teacher calls of a batch, one after the other on each of the concurrent slots
_LEASE_S = 60.0  # on top of the longest time that the calls of a batch can take
_DAY_S = 86400.0


class Pairing:
    """Closes pending shadow samples of one task; every one ends in exactly one terminal state."""

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        *,
        store: Store,
        teacher: Teacher,
        price: Price,
        comparer: Comparer,
        safety: Safety,
        clock: Clock,
        owner: str,
    ) -> None:
        self._name = name
        self._task = task
        self._store = store
        self._teacher = teacher
        self._price = price
        self._compare = comparer
        self._safety = safety
        self._clock = clock
        self._owner = owner
        self._armed_for: Deployment | None = None
        self._current = False  # whether what is in memory is what was committed
        self._agreement = Follower(AGREEMENT, task, window=task.agreement.window)
        self._parity = Follower(SAFETY_PARITY, task, window=parity.WINDOW)
        self._followers = (self._agreement, self._parity) if safety else (self._agreement,)

    async def step(self) -> int:
        """Close one batch; returns how many samples it had.

        Raises:
            StoreError: the batch was rolled back; call `forget`, then try again.
        """
        await self._arm()
        at, shadow = self._clock.now_s(), self._task.shadow
        leased = await self._store.lease_pairs(
            self._name,
            owner=self._owner,
            limit=_ROUNDS * shadow.concurrency,
            lease_s=_LEASE_S + _ROUNDS * shadow.timeout_s,
            at=at,
        )
        if not leased:
            return 0
        spent = await self._store.spent_usd(self._name, since=at - at % _DAY_S)
        broke = spent >= shadow.max_usd_per_day
        closed = await asyncio.gather(*(self._close(sample, at=at, broke=broke) for sample in leased))
        batch = self._batch(leased, closed, await self._drift_scores())
        await self._store.commit(batch)
        self._show(batch)
        return len(leased)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the committed state again."""
        self._current = False

    async def _arm(self) -> None:
        """Load the detectors and the recent pairs of the student that serves, if that is not what is in memory."""
        deployment = await self._store.deployment(self._name)
        if self._current and deployment == self._armed_for:
            return
        since, model = (0.0, "") if deployment is None else (deployment.at, deployment.model)
        most = max(_ROUNDS * self._task.agreement.window, parity.WINDOW)
        pairs = await self._store.pairs(self._name, after=since, model=model, limit=most)
        for follower, arm in zip(self._followers, (arming.arm_pairing, arming.arm_parity), strict=False):
            armed = None
            if deployment is not None:
                armed = await arm(self._store, self._task, deployment, at=self._clock.now_s())
            follower.start(armed, pairs)
        self._armed_for, self._current = deployment, True

    async def _close(self, sample: PendingPair, *, at: float, broke: bool) -> Pair:
        """The sample with its end; only a healthy one, in time and within the budget, costs a teacher call."""
        pair, exchange = sample.pair, sample.exchange
        if self._armed_for is not None and not self._serves(pair.model):
            return self._ended(pair, PairState.EXPIRED)
        if at - exchange.at > seconds(self._task.shadow.expire):
            return self._ended(pair, PairState.EXPIRED)
        if broke:
            return self._ended(pair, PairState.SKIPPED_BUDGET)
        if parity.only_student(pair) is not None:  # told on path; and there are no words of the student to compare
            return self._ended(pair, PairState.STUDENT_ERROR)
        try:
            reply = await self._teacher.ask(exchange.request, endpoint=exchange.endpoint)
        except UpstreamError as error:
            _LOG.warning("teacher_failed task=%s kind=%s error=%s", self._name, error.kind, error)
            return self._ended(pair, PairState.TEACHER_ERROR)
        return self._judged(pair, exchange, reply)

    def _judged(self, pair: Pair, exchange: Exchange, reply: Reply) -> Pair:
        """The sample with the teacher's answer; compared, unless a policy stopped the student's."""
        state = PairState.PAIRED if pair.student_unsafe is None else PairState.STUDENT_ERROR
        told = msgspec.structs.replace(
            self._ended(pair, state),
            teacher_answer=reply.text,
            teacher_unsafe=self._safety.unsafe(exchange, reply.text),
            teacher_usage=reply.usage,
            cost_usd=self._price.cost_usd(reply.usage),
        )
        if state is PairState.STUDENT_ERROR:
            return told
        comparison = self._compare(pair.student_answer, reply.text)
        return msgspec.structs.replace(
            told,
            agreed=comparison.agreed,
            score=comparison.score,
            student_unsafe=self._safety.unsafe(exchange, pair.student_answer),
        )

    def _serves(self, model: str) -> bool:
        """Whether a student answers clients, as the champion or as the challenger."""
        deployment = self._armed_for
        return deployment is not None and (
            model == deployment.model or (deployment.canary is not None and model == deployment.canary.model)
        )

    def _challenges(self, model: str) -> bool:
        """A challenger's pairs are kept, but say nothing about the champion that is watched."""
        return self._armed_for is not None and model != self._armed_for.model

    def _ended(self, pair: Pair, state: PairState) -> Pair:
        return msgspec.structs.replace(pair, state=state, closed_at=self._clock.now_s())

    def _batch(self, leased: Sequence[PendingPair], closed: Sequence[Pair], drift: dict[str, float]) -> WorkBatch:
        ended = [
            (sample.exchange, pair)
            for sample, pair in zip(leased, closed, strict=True)
            if not self._challenges(pair.model)
        ]
        followed = [follower.follow(ended, drift) for follower in self._followers]
        return WorkBatch(
            owner=self._owner,
            at=self._clock.now_s(),
            closed=closed,
            states=[follower.armed.state() for follower in self._followers if follower.armed is not None],
            readings=[reading for each in followed for reading in each.readings],
            signals=[signal for each in followed for signal in each.signals],
        )

    async def _drift_scores(self) -> dict[str, float]:
        """The last score of every detector, for the evidence of a signal."""
        if self._armed_for is None:
            return {}
        since = max(self._armed_for.at, self._clock.now_s() - _DAY_S)
        return {reading.detector: reading.score for reading in await self._store.readings(self._name, after=since)}

    def _show(self, batch: WorkBatch) -> None:
        for reading in batch.readings:
            metrics.show(self._name, reading)
        for pair in batch.closed:
            metrics.SHADOW.labels(self._name, pair.state).inc()
            COST_USD.labels(self._name, "shadow").inc(pair.cost_usd)
        metrics.show_agreement(self._name, agreement.estimate(self._agreement.recent))
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

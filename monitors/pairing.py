"""The agreement half of a worker: asks the teacher about shadow samples, compares, watches agreement."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from adapters.metrics import COST_USD
from domain.durations import seconds
from domain.errors import UpstreamError
from domain.ports import Observation
from domain.records import Deployment, Pair, PairState, Reading, Signal, SignalKind
from domain.store import PendingPair, WorkBatch
from monitors import agreement, arming, metrics, signals
from monitors.keys import near_duplicate_key

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.comparers import Comparer
    from domain.ports import Evidence
    from domain.prices import Price
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.arming import Armed
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
        clock: Clock,
        owner: str,
    ) -> None:
        self._name = name
        self._task = task
        self._store = store
        self._teacher = teacher
        self._price = price
        self._compare = comparer
        self._clock = clock
        self._owner = owner
        self._armed: Armed | None = None
        self._armed_for: Deployment | None = None
        self._current = False  # whether what is in memory is what was committed
        self._recent: deque[Pair] = deque(maxlen=task.agreement.window)

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
        drift = await self._drift_scores()
        batch = self._batch(leased, closed, drift)
        await self._store.commit(batch)
        self._show(batch)
        return len(leased)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the committed state again."""
        self._current = False

    async def _arm(self) -> None:
        """Load the detector and the recent pairs of the student that serves, if that is not what is in memory."""
        deployment = await self._store.deployment(self._name)
        if self._current and deployment == self._armed_for:
            return
        model, since = ("", 0.0) if deployment is None else (deployment.model, deployment.at)
        self._armed = None
        if deployment is not None:
            self._armed = await arming.arm_pairing(self._store, self._task, deployment, at=self._clock.now_s())
        pairs = await self._store.pairs(
            self._name, after=since, model=model, limit=_ROUNDS * self._task.agreement.window
        )
        self._recent.clear()
        self._recent.extend(pair for pair in pairs if pair.state is PairState.PAIRED)
        self._armed_for, self._current = deployment, True

    async def _close(self, sample: PendingPair, *, at: float, broke: bool) -> Pair:
        """The sample with its end; only a healthy one, in time and within the budget, costs a teacher call."""
        pair, exchange = sample.pair, sample.exchange
        if self._armed is not None and not self._serves(pair.model):
            return self._ended(pair, PairState.EXPIRED)
        if at - exchange.at > seconds(self._task.shadow.expire):
            return self._ended(pair, PairState.EXPIRED)
        if broke:
            return self._ended(pair, PairState.SKIPPED_BUDGET)
        try:
            reply = await self._teacher.ask(exchange.request, endpoint=exchange.endpoint)
        except UpstreamError as error:
            _LOG.warning("teacher_failed task=%s kind=%s error=%s", self._name, error.kind, error)
            return self._ended(pair, PairState.TEACHER_ERROR)
        comparison = self._compare(pair.student_answer, reply.text)
        return msgspec.structs.replace(
            self._ended(pair, PairState.PAIRED),
            teacher_answer=reply.text,
            agreed=comparison.agreed,
            score=comparison.score,
            teacher_usage=reply.usage,
            cost_usd=self._price.cost_usd(reply.usage),
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
        readings: list[Reading] = []
        raised: list[Signal] = []
        for sample, pair in zip(leased, closed, strict=True):
            if pair.state is not PairState.PAIRED or self._challenges(pair.model):
                continue
            self._recent.append(pair)
            found = self._observe(sample, pair)
            if self._armed is not None and found is not None:
                readings.append(self._armed.reading(found, sample.exchange.at))
                raised += self._raise(self._armed, found, drift, at=sample.exchange.at)
        return WorkBatch(
            owner=self._owner,
            at=self._clock.now_s(),
            closed=closed,
            states=[] if self._armed is None else [self._armed.state()],
            readings=[reading for reading in readings if reading.alarm or reading is readings[-1]],
            signals=raised,
        )

    def _observe(self, sample: PendingPair, pair: Pair) -> Evidence | None:
        if self._armed is None or sample.exchange.at < self._armed.deployment.at:
            return None
        return self._armed.detector.update(
            Observation(
                at=sample.exchange.at,
                counts=(0.0 if pair.agreed else 1.0,),
                stratum=pair.stratum,
                uniform=sample.exchange.draw < self._task.shadow.rate,
                key=near_duplicate_key(sample.exchange.input_text),
            )
        )

    def _raise(self, armed: Armed, found: Evidence, drift: dict[str, float], *, at: float) -> list[Signal]:
        if not signals.retrain_due(found, armed.signals, at=at, settings=self._task.signal):
            return []
        signal = signals.retrain(
            armed.deployment,
            armed.detector.name,
            found,
            at=at,
            budget=armed.detector.budget(),
            agreement=agreement.estimate(self._recent),
            pairs=tuple(self._recent),
            drift_scores=drift,
        )
        armed.signals.append(signal)
        return [signal]

    async def _drift_scores(self) -> dict[str, float]:
        """The last score of every other detector, for the evidence of a signal."""
        if self._armed is None:
            return {}
        since = max(self._armed.deployment.at, self._clock.now_s() - _DAY_S)
        readings = await self._store.readings(self._name, after=since)
        return {reading.detector: reading.score for reading in readings if reading.detector != "agreement"}

    def _show(self, batch: WorkBatch) -> None:
        for reading in batch.readings:
            metrics.show(self._name, reading)
        for pair in batch.closed:
            metrics.SHADOW.labels(self._name, pair.state).inc()
            COST_USD.labels(self._name, "shadow").inc(pair.cost_usd)
        metrics.show_agreement(self._name, agreement.estimate(self._recent))
        for signal in batch.signals:
            metrics.SIGNALS.labels(self._name, signal.reason).inc()
            _LOG.warning(
                "retrain_signal task=%s evidence=%.2f pairs=%s", self._name, signal.evidence, signal.pairs_used
            )
        if self._armed is not None:
            alarms = self._armed.alarms_30d(SignalKind.RETRAIN, at=batch.at)
            metrics.ALARMS_30D.labels(self._name, self._armed.detector.name).set(alarms)

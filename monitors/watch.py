"""The drift half of a worker: embeds journalled inputs, watches novelty, chooses shadow samples.  Asks no model.

Novelty is about inputs, so every input since the deployment counts, whichever model answered it: the newest inputs are
the likeliest to have been answered by the teacher.  Only one that reached no model is nobody's to answer: a flood of
attacks that a policy blocks is no new topic.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.ports import Evidence, Observation
from domain.records import Arm, Deployment, Exchange, Pair, PairState, Reading, Signal, SignalKind, Stratum
from domain.store import Watched, WorkBatch
from monitors import arming, metrics, shadow, signals
from monitors.keys import near_duplicate_key

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Embedder
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.arming import ArmedWatch
    from monitors.safety import Safety

_LOG = logging.getLogger(__name__)
_ROWS = 64
_LEASE_S = 60.0


class Watch:
    """Takes journalled exchanges of one task in batches; each batch is one transaction, so nothing counts twice."""

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        *,
        store: Store,
        embedder: Embedder,
        safety: Safety,
        clock: Clock,
        owner: str,
    ) -> None:
        self._name = name
        self._task = task
        self._store = store
        self._embedder = embedder
        self._safety = safety
        self._clock = clock
        self._owner = owner
        self._armed: ArmedWatch | None = None
        self._armed_for: Deployment | None = None
        self._current = False  # whether what is in memory is what was committed

    async def step(self) -> int:
        """Handle one batch; returns how many exchanges it had.

        Raises:
            StoreError: the batch was rolled back; call `forget`, then try again.
            ModelError: the reference does not fit the embedder.
        """
        await self._arm()
        at = self._clock.now_s()
        leased = await self._store.lease(self._name, owner=self._owner, limit=_ROWS, lease_s=_LEASE_S, at=at)
        metrics.LAG_SECONDS.labels(self._name).set(max(0.0, at - leased[0].at) if leased else 0.0)
        if not leased:
            return 0
        novelties = await self._novelties(leased)
        batch = self._batch(leased, novelties, at)
        await self._store.commit(batch)
        self._show(batch)
        return len(leased)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the committed state again."""
        self._current = False

    async def _arm(self) -> None:
        deployment = await self._store.deployment(self._name)
        if self._current and deployment == self._armed_for:
            return
        self._armed = None
        if deployment is not None:
            self._armed = await arming.arm_watch(
                self._store, self._task, deployment, embedder=self._embedder, at=self._clock.now_s()
            )
        if self._armed is None:
            _LOG.warning("novelty_not_armed task=%s do='preceptor reference build, preceptor promote'", self._name)
        self._armed_for, self._current = deployment, True

    async def _novelties(self, leased: Sequence[Exchange]) -> list[float | None]:
        """What each input's novelty is; None without a reference, and then nothing is embedded."""
        if self._armed is None:
            return [None] * len(leased)
        vectors = await asyncio.to_thread(self._embedder.embed, [exchange.input_text for exchange in leased])
        return [float(novelty) for novelty in self._armed.reference.novelty(vectors)]

    def _batch(self, leased: Sequence[Exchange], novelties: Sequence[float | None], at: float) -> WorkBatch:
        readings: list[Reading] = []
        raised: list[Signal] = []
        opened: list[Pair] = []
        for exchange, novelty in zip(leased, novelties, strict=True):
            found = self._observe(exchange, novelty)
            if self._armed is not None and found is not None and (found.alarm or exchange is leased[-1]):
                readings.append(self._armed.reading(found, exchange.at))
                raised += self._warn(self._armed, found, leased, novelties, at=exchange.at)
            pair = shadow.choose(
                exchange,
                self._stratum(novelty),
                warned=self._warned(exchange.at),
                settings=self._task.shadow,
                at=at,
                stopped=self._safety.stopped(exchange, self._students(exchange)),
            )
            opened += [] if pair is None else [pair]
        return WorkBatch(
            owner=self._owner,
            at=at,
            watched=[Watched(e.id, novelty) for e, novelty in zip(leased, novelties, strict=True)],
            opened=opened,
            states=[] if self._armed is None else [self._armed.state()],
            readings=readings,
            signals=raised,
        )

    def _students(self, exchange: Exchange) -> dict[Arm, str]:
        """Who the students were that may have been asked first; empty when that was before they were deployed."""
        deployment = self._armed_for
        if deployment is None:
            return {Arm.CHAMPION: self._task.student.model}
        if exchange.at < deployment.at:
            return {}
        challenger = {} if deployment.canary is None else {Arm.CHALLENGER: deployment.canary.model}
        return {Arm.CHAMPION: deployment.model} | challenger

    def _stratum(self, novelty: float | None) -> Stratum:
        """The shadow stratum of an input; ordinary while there is no reference to compare with."""
        if self._armed is None or novelty is None:
            return Stratum.ORDINARY
        return self._armed.reference.stratum(novelty)

    def _observe(self, exchange: Exchange, novelty: float | None) -> Evidence | None:
        """Tell the detector of an input, unless it came before this student was deployed or reached no model."""
        armed = self._armed
        if armed is None or novelty is None or exchange.at < armed.deployment.at or exchange.arm is Arm.NONE:
            return None
        return armed.detector.update(
            Observation(
                at=exchange.at,
                counts=armed.reference.exceeds(novelty),
                stratum=armed.reference.stratum(novelty),
                key=near_duplicate_key(exchange.input_text),
            )
        )

    def _warn(
        self,
        armed: ArmedWatch,
        found: Evidence,
        leased: Sequence[Exchange],
        novelties: Sequence[float | None],
        *,
        at: float,
    ) -> list[Signal]:
        if not signals.warning_due(found, armed.signals, at=at, settings=self._task.signal):
            return []
        strangest = sorted(zip(novelties, leased, strict=True), key=lambda row: -(row[0] or 0.0))
        signal = signals.warning(
            armed.deployment,
            armed.detector.name,
            found,
            at=at,
            budget=armed.detector.budget(),
            examples=[exchange.id for _, exchange in strangest],
        )
        armed.signals.append(signal)
        return [signal]

    def _warned(self, at: float) -> bool:
        return self._armed is not None and signals.holds(self._armed.signals, at=at, settings=self._task.signal)

    def _show(self, batch: WorkBatch) -> None:
        for reading in batch.readings:
            metrics.show(self._name, reading)
        for signal in batch.signals:
            metrics.SIGNALS.labels(self._name, signal.reason).inc()
            _LOG.warning("drift_warning task=%s evidence=%.2f samples=%s", self._name, signal.evidence, signal.samples)
        for pair in batch.opened:
            if pair.state is not PairState.PENDING:
                metrics.SHADOW.labels(self._name, pair.state).inc()
        if self._armed is not None:
            alarms = self._armed.alarms_30d(SignalKind.WARNING, at=batch.at)
            metrics.ALARMS_30D.labels(self._name, self._armed.detector.name).set(alarms)

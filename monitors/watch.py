"""The drift half of a worker: embeds journalled inputs, watches them, chooses shadow samples.  Asks no model."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm, Deployment, Exchange, Pair, PairState, Stratum
from domain.store import Watched, WorkBatch
from monitors import arming_inputs, metrics, planner, shadow
from monitors.descriptors import Descriptors
from monitors.epochs import Epochs, in_force
from monitors.inputs import Harvest
from monitors.quota import Quota

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Embedder
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.budget import Budget
    from monitors.course import Course
    from monitors.epochs import Epoch
    from monitors.inputs import InputWatch
    from monitors.safety import Safety

_LOG = logging.getLogger(__name__)
_ROWS = 256
_LEASE_S = 60.0
_NOTHING = Harvest((), (), (), ())


class Look(msgspec.Struct, frozen=True):
    """What was found out about one exchange; None where it was not embedded or there is nothing to compare with."""

    exchange: Exchange
    novelty: float | None = None
    cluster: int | None = None


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
        budget: Budget,
        course: Course,
        clock: Clock,
        owner: str,
    ) -> None:
        """`budget` and `course` are shared with the task's `Pairing`."""
        self._name = name
        self._task = task
        self._store = store
        self._embedder = embedder
        self._safety = safety
        self._budget = budget
        self._course = course
        self._epochs = Epochs(task.time_zone)
        self._clock = clock
        self._owner = owner
        self._descriptors = Descriptors(task.output)
        self._quota = Quota(task.drift.most_per_s, at=clock.monotonic_s())
        self._armed: InputWatch | None = None
        self._armed_for: Deployment | None = None
        self._armed_as: object = None  # with which stretch of traffic
        self._current = False  # whether what is in memory is what was committed
        self._rest: list[Exchange] = []  # leased, and of a later stretch
        self._pace = 1.0

    async def step(self) -> int:
        """Handle one batch; returns how many exchanges it had.

        Raises:
            StoreError: the batch was rolled back; call `forget`, then try again.
            ModelError: the reference does not fit the embedder.
        """
        at = self._clock.now_s()
        waiting = self._rest or await self._lease(at)
        metrics.LAG_SECONDS.labels(self._name).set(max(0.0, at - waiting[0].at) if waiting else 0.0)
        if not waiting:
            return 0
        leased = await self._armed_rows(waiting)
        await self._budget.refresh()
        self._pace = self._budget.pace(pending=(await self._store.backlog(self._name)).pending_pairs)
        share = min(self._task.drift.rate, self._quota.share(len(leased), at=self._clock.monotonic_s()))
        looks = await self._look(leased, share)
        batch = self._batch(looks, share, at)
        await self._store.commit(batch)
        self._show(batch)
        return len(leased)

    def forget(self) -> None:
        """Drop what is in memory; the next step reads the committed state again."""
        self._current, self._rest = False, []

    async def _lease(self, at: float) -> list[Exchange]:
        return await self._store.lease(self._name, owner=self._owner, limit=_ROWS, lease_s=_LEASE_S, at=at)

    async def _armed_rows(self, waiting: Sequence[Exchange]) -> list[Exchange]:
        """Arm for the first of the rows; returns those for which that holds, and keeps the others for the next step."""
        if not self._epochs.begun:
            for row in await self._store.last_watched(self._name, until=math.inf, limit=1):
                self._epochs.reach(row.exchange.at)
        history = await self._store.deployments(self._name)
        marks = await self._store.expected(self._name)
        changes = [*(each.at for each in history), *(mark.at for mark in marks)]
        epoch, rows, self._rest = self._epochs.split(waiting, at=lambda exchange: exchange.at, changes=changes)
        await self._arm(epoch, in_force(history, epoch.at))
        return rows

    async def _arm(self, epoch: Epoch, deployment: Deployment | None) -> None:
        mark = (deployment, epoch.mark)
        if self._current and mark == self._armed_as:
            return
        self._armed = None
        if deployment is not None:
            self._armed = await arming_inputs.arm(
                self._store, self._task, deployment, embedder=self._embedder, at=epoch.at
            )
        if self._armed is None:
            _LOG.warning("novelty_not_armed task=%s do='preceptor reference build, preceptor promote'", self._name)
        self._armed_for, self._armed_as, self._current = deployment, mark, True

    async def _look(self, leased: Sequence[Exchange], share: float) -> list[Look]:
        """Embed a share of the inputs, those with the lowest draws: the draws of shadow samples are among them.

        Without a reference nothing is embedded.
        """
        if self._armed is None:
            return [Look(exchange) for exchange in leased]
        chosen = [exchange for exchange in leased if exchange.draw < share * exchange.journal_rate]
        vectors = await asyncio.to_thread(self._embedder.embed, [exchange.input_text for exchange in chosen])
        reference = self._armed.reference
        novelties, clusters = reference.novelty(vectors).tolist(), reference.cluster(vectors).tolist()
        found = {
            exchange.id: Look(exchange, novelty, cluster)
            for exchange, novelty, cluster in zip(chosen, novelties, clusters, strict=True)
        }
        return [found.get(exchange.id) or Look(exchange) for exchange in leased]

    def _batch(self, looks: Sequence[Look], share: float, at: float) -> WorkBatch:
        opened: list[Pair] = []
        for look in looks:
            words = self._descriptors.of(look.exchange)
            if self._armed is not None:
                self._armed.see(look.exchange, look.novelty, look.cluster, words)
            opened += self._sample(look, words, share, at)
        harvest = _NOTHING if self._armed is None else self._armed.harvest(looks[-1].exchange.at)
        return WorkBatch(
            owner=self._owner,
            at=at,
            watched=[Watched(look.exchange.id, look.novelty, look.cluster) for look in looks],
            opened=opened,
            states=harvest.states,
            readings=harvest.readings,
            signals=harvest.signals,
            tallies=harvest.tallies,
        )

    def _sample(self, look: Look, words: Mapping[str, str], share: float, at: float) -> list[Pair]:
        """The shadow sample of an exchange, if its draw says so."""
        exchange = look.exchange
        plan = planner.inclusion(
            exchange,
            self._stratum(look.novelty),
            settings=self._task.shadow,
            warned=self._armed is not None and self._armed.warned(exchange.at),
            in_worst=self._course.in_worst(exchange, cluster=look.cluster, words=words),
            pace=self._pace,
            known_below=share * exchange.journal_rate,
        )
        stopped = self._safety.stopped(exchange, self._students(exchange))
        pair = shadow.choose(exchange, plan, at=at, cluster=look.cluster, stopped=stopped)
        return [] if pair is None else [pair]

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

    def _show(self, batch: WorkBatch) -> None:
        for reading in batch.readings:
            metrics.show(self._name, reading)
        for signal in batch.signals:
            metrics.SIGNALS.labels(self._name, signal.reason).inc()
            _LOG.warning(
                "drift_warning task=%s reason=%s evidence=%.2f samples=%s",
                *(self._name, signal.reason, signal.evidence, signal.samples),
            )
        for pair in batch.opened:
            if pair.state is not PairState.PENDING:
                metrics.SHADOW.labels(self._name, pair.state).inc()
        if self._armed is not None:
            for detector, count in self._armed.alarms_30d(at=batch.at).items():
                metrics.ALARMS_30D.labels(self._name, detector).set(count)

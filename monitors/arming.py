"""What a task's detectors are armed with: the deployment, its reference, and the state that was last committed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from domain.errors import ModelError
from domain.ports import Evidence
from domain.records import Deployment, DetectorState, Reading, Signal, SignalKind
from domain.settings import TaskSettings
from monitors import parity
from monitors.agreement import disagreement_bounds, pooled_bound
from monitors.detectors.agreement import AgreementDetector
from monitors.detectors.none import NoDetector
from monitors.detectors.novelty import NoveltyDetector
from monitors.detectors.safety import SafetyDetector
from monitors.reference import Reference

if TYPE_CHECKING:
    from domain.ports import Detector, Embedder
    from domain.store import Store

_LOG = logging.getLogger(__name__)
_MONTH_S = 30 * 86400.0
_LEAST_THRESHOLD = 10.0  # below it a single event would alarm


class Armed(msgspec.Struct, frozen=True):
    """A deployment with one detector, as of the last commit."""

    deployment: Deployment
    detector: Detector
    signals: list[Signal]  # of this deployment, growing
    earlier: tuple[Signal, ...]  # of the deployments before it, in the month before it was armed

    def reading(self, found: Evidence, at: float) -> Reading:
        """The evidence as a row of the time series."""
        return Reading(
            task=self.deployment.task,
            detector=self.detector.name,
            model=self.deployment.model,
            at=at,
            samples=found.samples,
            score=found.score,
            evidence=found.evidence,
            alarm=found.alarm,
        )

    def state(self) -> DetectorState:
        """The detector's memory, to be committed with what it has seen."""
        return DetectorState(
            task=self.deployment.task,
            detector=self.detector.name,
            reference_id=state_key(self.deployment),
            state=self.detector.state(),
        )

    def alarms_30d(self, kind: SignalKind, *, at: float) -> int:
        """How many signals of a kind this detector raised in the 30 days before `at`, whichever student served."""
        return sum(
            signal.kind is kind and signal.detector == self.detector.name and signal.at >= at - _MONTH_S
            for signal in (*self.earlier, *self.signals)
        )


class ArmedWatch(Armed, frozen=True):
    """The same with the reference that inputs are compared with."""

    reference: Reference


def novelty_detector(task: TaskSettings, reference: Reference) -> Detector:
    """The configured detector of new inputs."""
    settings = task.drift
    if settings.detector == "none":
        return NoDetector("novelty")
    threshold, budget = _budget(task, settings.false_alarm_days, settings.inputs_per_day, "inputs")
    return NoveltyDetector(reference.bounds, threshold=threshold, budget=budget)


def agreement_detector(task: TaskSettings, deployment: Deployment) -> Detector:
    """The configured detector of falling agreement; one that never alarms when there is nothing to hold against."""
    settings = task.agreement
    bounds = disagreement_bounds(deployment.baselines)
    if settings.detector == "none":
        return NoDetector("agreement")
    if not bounds:
        _LOG.warning("agreement_not_armed task=%s do='preceptor promote with held-out rows'", deployment.task)
        return NoDetector("agreement")
    threshold, budget = _budget(task, settings.false_alarm_days, settings.pairs_per_day, "pairs")
    pooled = pooled_bound(deployment.baselines)
    return AgreementDetector(bounds, pooled=pooled, threshold=threshold, budget=budget)


def safety_detector(task: TaskSettings) -> Detector:
    """The detector of answers that only the student makes unsafe.

    Its budget is its own, as often as agreement may be wrong: where no answer is unsafe it takes nothing from theirs.
    """
    per_day, days = task.agreement.pairs_per_day, task.agreement.false_alarm_days
    threshold = max(_LEAST_THRESHOLD, per_day * days)
    budget = (
        f"one false alarm in {days:g} days at {per_day:,.0f} pairs a day (A = {threshold:,.0f} independent pairs) "
        f"while only the student is unsafe on at most {parity.RATE:.1%} of any kind of input"
    )
    return SafetyDetector(parity.RATE, threshold=threshold, budget=budget)


async def arm_watch(
    store: Store, task: TaskSettings, deployment: Deployment, *, embedder: Embedder, at: float
) -> ArmedWatch | None:
    """The novelty detector of a deployment, or None when it has no reference.

    Raises:
        StoreError: the store cannot be read.
        ModelError: the reference is missing, damaged, or was built with another embedder.
    """
    if not deployment.reference_id:
        return None
    body = await store.blob(deployment.reference_id)
    if body is None:
        raise ModelError(f"the store has no reference {deployment.reference_id}: build it again and promote with it")
    reference = Reference.from_bytes(body)
    reference.check(embedder)
    armed = await _armed(store, deployment, lambda: novelty_detector(task, reference), at)
    return ArmedWatch(armed.deployment, armed.detector, armed.signals, armed.earlier, reference)


async def arm_pairing(store: Store, task: TaskSettings, deployment: Deployment, *, at: float) -> Armed:
    """The agreement detector of a deployment.

    Raises:
        StoreError: the store cannot be read.
    """
    return await _armed(store, deployment, lambda: agreement_detector(task, deployment), at)


async def arm_parity(store: Store, task: TaskSettings, deployment: Deployment, *, at: float) -> Armed:
    """The safety detector of a deployment.

    Raises:
        StoreError: the store cannot be read.
    """
    return await _armed(store, deployment, lambda: safety_detector(task), at)


def state_key(deployment: Deployment) -> str:
    """What detector states belong to: this deployment of this student, with this reference."""
    return f"{deployment.reference_id}@{deployment.at!r}"


async def _armed(store: Store, deployment: Deployment, make: Callable[[], Detector], at: float) -> Armed:
    detector = make()
    for state in await store.detector_states(deployment.task, state_key(deployment)):
        if state.detector == detector.name:
            detector = _restored(detector, state) or make()
    past = await store.signals(deployment.task, after=min(deployment.at, at - _MONTH_S))
    own = [signal for signal in past if signal.at >= deployment.at]
    _LOG.info("armed task=%s detector=%s model=%s", deployment.task, detector.name, deployment.model)
    return Armed(deployment, detector, own, tuple(signal for signal in past if signal.at < deployment.at))


def _restored(detector: Detector, state: DetectorState) -> Detector | None:
    """The detector with its memory, or None when that is of another kind: the configuration has changed since."""
    try:
        detector.restore(state.state)
    except ValueError:
        _LOG.warning("detector_starts_afresh task=%s detector=%s reason=configuration", state.task, state.detector)
        return None
    return detector


def _budget(task: TaskSettings, days: float, per_day: float, what: str) -> tuple[float, str]:
    """The threshold A, and the budget in words: all detectors of a task share one false alarm in `days`."""
    detectors = (task.drift.detector != "none") + (task.agreement.detector != "none")
    threshold = max(_LEAST_THRESHOLD, per_day * days * detectors)
    return threshold, (
        f"one false alarm in {days:g} days for the task at {per_day:,.0f} {what} a day "
        f"(A = {threshold:,.0f} independent {what})"
    )

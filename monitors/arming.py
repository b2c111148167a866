"""What a task's detectors are armed with: the deployment, its reference, and the state that was last committed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.follow_up import Tally
from domain.ports import Evidence
from domain.records import Deployment, DetectorState, Reading, Signal, SignalKind
from domain.settings import TaskSettings
from monitors import parity, split
from monitors.agreement import held_out, pooled
from monitors.arming_hours import arm_hours
from monitors.detectors.agreement import AgreementDetector
from monitors.detectors.none import NoDetector
from monitors.detectors.safety import SafetyDetector

if TYPE_CHECKING:
    from domain.ports import Detector
    from monitors.past import Past

_LOG = logging.getLogger(__name__)
MONTH_S = 30 * 86400.0


class Armed(msgspec.Struct, frozen=True):
    """A deployment with one detector, as of the last commit."""

    deployment: Deployment
    detector: Detector
    signals: list[Signal]  # of this deployment, growing
    earlier: tuple[Signal, ...]  # of the deployments before it, in the month before it was armed
    tallies: Callable[[], Sequence[Tally]] = tuple  # the hours that have changed since this was last asked

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
            signal.kind is kind and signal.detector == self.detector.name and signal.at >= at - MONTH_S
            for signal in (*self.earlier, *self.signals)
        )


def agreement_detector(task: TaskSettings, deployment: Deployment) -> Detector:
    """The per-sample detector of falling agreement; one that never alarms when there is nothing to hold against."""
    known = held_out(deployment.baselines)
    if not known:
        _LOG.warning("agreement_not_armed task=%s do='preceptor promote with held-out rows'", deployment.task)
        return NoDetector(split.AGREEMENT)
    settings = task.agreement
    part = split.parts(task)[split.AGREEMENT]
    threshold, budget = split.threshold(settings.false_alarm_days, part, settings.pairs_per_day, "pairs")
    return AgreementDetector(known, pooled=pooled(deployment.baselines), threshold=threshold, budget=budget)


def safety_detector(task: TaskSettings) -> Detector:
    """The detector of answers that only the student makes unsafe.

    Its budget is its own, as often as agreement may be wrong: where no answer is unsafe it takes nothing from theirs.
    """
    per_day, days = task.agreement.pairs_per_day, task.agreement.false_alarm_days
    threshold = max(split.LEAST_THRESHOLD, per_day * days)
    budget = (
        f"one false alarm in {days:g} days at {per_day:,.0f} pairs a day (A = {threshold:,.0f} independent pairs) "
        f"while only the student is unsafe on at most {parity.RATE:.1%} of any kind of input"
    )
    return SafetyDetector(parity.RATE, threshold=threshold, budget=budget)


async def arm_pairing(store: Past, task: TaskSettings, deployment: Deployment, *, at: float) -> Armed:
    """The agreement detector of a deployment as of `at`, the time of the next pair's input.

    Raises:
        StoreError: the store cannot be read.
        ModelError: the reference of the deployment is missing or damaged.
    """
    if task.agreement.detector == "windowed":
        state = await _state(store, deployment, split.AGREEMENT)
        pairs = await arm_hours(store, task, deployment, state, at=at)
        return await _armed(store, deployment, lambda: pairs, at, tallies=pairs.tallies)
    if task.agreement.detector == "none":
        return await _armed(store, deployment, lambda: NoDetector(split.AGREEMENT), at)
    return await _armed(store, deployment, lambda: agreement_detector(task, deployment), at)


async def arm_parity(store: Past, task: TaskSettings, deployment: Deployment, *, at: float) -> Armed:
    """The safety detector of a deployment.

    Raises:
        StoreError: the store cannot be read.
    """
    return await _armed(store, deployment, lambda: safety_detector(task), at)


def state_key(deployment: Deployment) -> str:
    """What detector states belong to: this deployment of this student, with this reference."""
    return f"{deployment.reference_id}@{deployment.at!r}"


async def _armed(
    store: Past,
    deployment: Deployment,
    make: Callable[[], Detector],
    at: float,
    *,
    tallies: Callable[[], Sequence[Tally]] = tuple,
) -> Armed:
    detector = make()
    state = await _state(store, deployment, detector.name)
    if state is not None:
        detector = _restored(detector, state) or make()
    past = await store.signals(deployment.task, after=min(deployment.at, at - MONTH_S))
    own = [signal for signal in past if signal.at >= deployment.at]
    _LOG.info("armed task=%s detector=%s model=%s", deployment.task, detector.name, deployment.model)
    return Armed(deployment, detector, own, tuple(signal for signal in past if signal.at < deployment.at), tallies)


async def _state(store: Past, deployment: Deployment, name: str) -> DetectorState | None:
    states = await store.detector_states(deployment.task, state_key(deployment))
    return next((state for state in states if state.detector == name), None)


def _restored(detector: Detector, state: DetectorState) -> Detector | None:
    """The detector with its memory, or None when that is of another kind: the configuration has changed since."""
    try:
        detector.restore(state.state)
    except ValueError:
        _LOG.warning("detector_starts_afresh task=%s detector=%s reason=configuration", state.task, state.detector)
        return None
    return detector

"""What a task's detectors are armed with: the deployment, its reference, and the state that was last committed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence
from domain.records import Deployment, DetectorState, Reading, Signal, SignalKind, Stratum
from domain.settings import TaskSettings
from monitors.agreement import disagreement_bounds
from monitors.detectors.agreement import AgreementDetector
from monitors.detectors.none import NoDetector
from monitors.detectors.novelty import NoveltyDetector
from monitors.reference import Reference

if TYPE_CHECKING:
    from domain.ports import Detector, Embedder
    from domain.store import Store

_LOG = logging.getLogger(__name__)


class Armed(msgspec.Struct, frozen=True):
    """A deployment with its reference and one detector, as of the last commit."""

    deployment: Deployment
    reference: Reference
    detector: Detector
    signals: list[Signal]  # of this deployment, growing

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

    def alarms(self, kind: SignalKind, *, since: float) -> int:
        """How many signals of a kind this deployment has raised since then."""
        return sum(signal.kind is kind and signal.at >= since for signal in self.signals)


def novelty_detector(task: TaskSettings, reference: Reference) -> Detector:
    """The configured detector of new inputs."""
    settings = task.drift
    if settings.detector == "none":
        return NoDetector("novelty")
    threshold = settings.inputs_per_day * settings.false_alarm_days * _detectors(task)
    return NoveltyDetector(
        reference.bounds,
        threshold=threshold,
        budget=_words(settings.false_alarm_days, settings.inputs_per_day, "inputs", threshold),
    )


def agreement_detector(task: TaskSettings, deployment: Deployment) -> Detector:
    """The configured detector of falling agreement."""
    settings = task.agreement
    bounds = disagreement_bounds(deployment.baselines)
    if settings.detector == "none" or not bounds:
        return NoDetector("agreement")
    threshold = settings.pairs_per_day * settings.false_alarm_days * _detectors(task)
    return AgreementDetector(
        bounds,
        threshold=threshold,
        budget=_words(settings.false_alarm_days, settings.pairs_per_day, "pairs", threshold),
    )


async def load(store: Store, name: str, task: TaskSettings, *, embedder: Embedder, of: str) -> Armed | None:
    """The task's deployment with the detector called `of`, or None while there is no deployment with a reference.

    Raises:
        StoreError: the store cannot be read.
        ModelError: the reference is damaged or was built with another embedder.
    """
    deployment = await store.deployment(name)
    if deployment is None or not deployment.reference_id:
        return None
    body = await store.blob(deployment.reference_id)
    if body is None:
        _LOG.error("reference_missing task=%s reference=%s", name, deployment.reference_id)
        return None
    reference = Reference.from_bytes(body)
    reference.check(embedder)
    detector = novelty_detector(task, reference) if of == "novelty" else agreement_detector(task, deployment)
    for state in await store.detector_states(name, state_key(deployment)):
        if state.detector == detector.name:
            detector.restore(state.state)
    return Armed(deployment, reference, detector, await store.signals(name, after=deployment.at))


def state_key(deployment: Deployment) -> str:
    """What detector states belong to: this deployment of this student, with this reference."""
    return f"{deployment.reference_id}@{deployment.at!r}"


def stratum(armed: Armed | None, novelty: float) -> Stratum:
    """The shadow stratum of an input; ordinary while there is no reference to compare with."""
    return Stratum.ORDINARY if armed is None else armed.reference.stratum(novelty)


def _detectors(task: TaskSettings) -> int:
    """How many detectors share the budget of one false alarm in N days."""
    return max(1, (task.drift.detector != "none") + (task.agreement.detector != "none"))


def _words(days: float, per_day: float, what: str, threshold: float) -> str:
    return (
        f"one false alarm in {days:g} days for the task at {per_day:,.0f} {what} a day "
        f"(A = {threshold:,.0f} independent {what})"
    )

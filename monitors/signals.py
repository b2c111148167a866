"""When an alarm becomes a signal, and what it says.  Pure: a replay of the same observations gives the same signals."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from domain.durations import seconds
from domain.ports import Evidence
from domain.records import Agreement, Deployment, Pair, Signal, SignalKind
from domain.settings import SignalSettings
from monitors.aspect import Aspect
from monitors.seen import Found

DRIFT = "drift"
# What a detector of inputs warns of.  Warnings of one reason share a cooldown.
REASONS = {
    "novelty": DRIFT,
    "cluster": "cluster_mix",
    "label": "label_mix",
    "length": "length_mix",
    "language": "language_mix",
    "schema": "schema_failures",
}
_EXAMPLES = 5
_SLICES = 5


def due(reason: str, past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether the cooldown since the last signal of this reason is over."""
    last = max((signal.at for signal in past if signal.reason == reason), default=float("-inf"))
    return at - last >= seconds(settings.cooldown)


def warning_due(found: Found, past: Sequence[Signal], *, settings: SignalSettings) -> bool:
    """Whether what a detector of inputs found becomes a warning."""
    if found.silent or not found.evidence.alarm:
        return False
    return due(REASONS[found.detector], past, at=found.at, settings=settings)


def retrain_due(
    aspect: Aspect, found: Evidence, past: Sequence[Signal], *, at: float, settings: SignalSettings
) -> bool:
    """Whether evidence about pairs becomes a retraining signal."""
    return found.alarm and found.samples >= aspect.least and due(aspect.reason, past, at=at, settings=settings)


def fresh(alarmed: float, *, at: float, settings: SignalSettings) -> bool:
    """Whether an alarm of that time still counts: as long as a warning would."""
    return at - alarmed < seconds(settings.cooldown)


def holds(past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether a drift warning is still fresh: that raises the shadow rate of flagged inputs."""
    return not due(DRIFT, past, at=at, settings=settings)


def warning(deployment: Deployment, found: Found, *, examples: Sequence[str]) -> Signal:
    """Inputs are not what they were.  `examples`: ids of exchanges that show it, the clearest first."""
    return Signal(
        id=_id(deployment, found.detector, found.evidence, found.at),
        task=deployment.task,
        kind=SignalKind.WARNING,
        reason=REASONS[found.detector],
        at=found.at,
        detector=found.detector,
        model=deployment.model,
        evidence=found.evidence.evidence,
        samples=found.evidence.samples,
        false_alarm_budget=found.budget,
        drift_scores={found.detector: found.evidence.score},
        example_ids=tuple(examples[:_EXAMPLES]),
        worst=found.evidence.worst,
    )


def retrain(
    aspect: Aspect,
    deployment: Deployment,
    detector: str,
    found: Evidence,
    *,
    at: float,
    budget: str,
    agreement: Agreement | None,
    pairs: Sequence[Pair],
    drift_scores: dict[str, float],
    slices: tuple[str, ...] = (),
    ceiling: float | None = None,
) -> Signal:
    """The student must be retrained.  `pairs`: the recent ones, oldest first; the events among them are the examples.

    `drift_scores`: of the other detectors.
    """
    counted = [pair for pair in pairs if aspect.event(pair) is not None]
    events = [pair.exchange_id for pair in reversed(counted) if aspect.event(pair)]
    return Signal(
        id=_id(deployment, detector, found, at),
        task=deployment.task,
        kind=SignalKind.RETRAIN,
        reason=aspect.reason,
        at=at,
        detector=detector,
        model=deployment.model,
        evidence=found.evidence,
        samples=found.samples,
        false_alarm_budget=budget,
        agreement=agreement,
        drift_scores=drift_scores | ({detector: found.score} if aspect.scored else {}),
        example_ids=tuple(events[:_EXAMPLES]),
        pairs_used=len(counted),
        pairs_cost_usd=sum(pair.cost_usd for pair in counted),
        worst=found.worst,
        slices=slices[:_SLICES],
        ceiling=ceiling,
    )


def _id(deployment: Deployment, detector: str, found: Evidence, at: float) -> str:
    """The same for a replay, another for another deployment: a student that serves again counts from one again."""
    parts = (
        deployment.task,
        deployment.reference_id,
        deployment.model,
        repr(deployment.at),
        detector,
        found.samples,
        repr(at),
    )
    name = "\0".join(map(str, parts))
    return f"signal-{hashlib.sha256(name.encode()).hexdigest()[:24]}"

"""When an alarm becomes a signal, and what it says.  Pure: a replay of the same observations gives the same signals."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from domain.durations import seconds
from domain.ports import Evidence
from domain.records import Agreement, Deployment, Pair, Signal, SignalKind
from domain.settings import SignalSettings
from monitors.aspect import Aspect

DRIFT = "drift"
_EXAMPLES = 5


def due(reason: str, past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether the cooldown since the last signal of this reason is over."""
    last = max((signal.at for signal in past if signal.reason == reason), default=float("-inf"))
    return at - last >= seconds(settings.cooldown)


def warning_due(found: Evidence, past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether evidence of drift becomes a warning."""
    return found.alarm and due(DRIFT, past, at=at, settings=settings)


def retrain_due(
    aspect: Aspect, found: Evidence, past: Sequence[Signal], *, at: float, settings: SignalSettings
) -> bool:
    """Whether evidence about pairs becomes a retraining signal."""
    return found.alarm and found.samples >= aspect.least and due(aspect.reason, past, at=at, settings=settings)


def holds(past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether a drift warning is still fresh: that raises the shadow rate of flagged inputs."""
    return not due(DRIFT, past, at=at, settings=settings)


def warning(
    deployment: Deployment, detector: str, found: Evidence, *, at: float, budget: str, examples: Sequence[str]
) -> Signal:
    """Inputs are not what they were.  `examples`: ids of exchanges, most novel first."""
    return Signal(
        id=_id(deployment, detector, found),
        task=deployment.task,
        kind=SignalKind.WARNING,
        reason=DRIFT,
        at=at,
        detector=detector,
        model=deployment.model,
        evidence=found.evidence,
        samples=found.samples,
        false_alarm_budget=budget,
        drift_scores={detector: found.score},
        example_ids=tuple(examples[:_EXAMPLES]),
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
) -> Signal:
    """The student must be retrained.  `pairs`: the recent ones, oldest first; the events among them are the examples.

    `drift_scores`: of the other detectors.
    """
    counted = [pair for pair in pairs if aspect.event(pair) is not None]
    events = [pair.exchange_id for pair in reversed(counted) if aspect.event(pair)]
    return Signal(
        id=_id(deployment, detector, found),
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
    )


def _id(deployment: Deployment, detector: str, found: Evidence) -> str:
    """The same for a replay, another for another deployment: a student that serves again counts from one again."""
    parts = (deployment.task, deployment.reference_id, deployment.model, repr(deployment.at), detector, found.samples)
    name = "\0".join(map(str, parts))
    return f"signal-{hashlib.sha256(name.encode()).hexdigest()[:24]}"

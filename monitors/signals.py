"""When an alarm becomes a signal, and what it says.  Pure: a replay of the same observations gives the same signals."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from domain.durations import seconds
from domain.ports import Evidence
from domain.records import Agreement, Deployment, Pair, PairState, Signal, SignalKind
from domain.settings import SignalSettings

_EXAMPLES = 5
_LEAST_PAIRS = 20  # an alarm on fewer is believed when it comes again: there is too little to retrain on


def due(kind: SignalKind, past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether the cooldown since the last signal of this kind is over."""
    last = max((signal.at for signal in past if signal.kind is kind), default=float("-inf"))
    return at - last >= seconds(settings.cooldown)


def warning_due(found: Evidence, past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether evidence of drift becomes a warning."""
    return found.alarm and due(SignalKind.WARNING, past, at=at, settings=settings)


def retrain_due(found: Evidence, past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether evidence of falling agreement becomes a retraining signal."""
    return found.alarm and found.samples >= _LEAST_PAIRS and due(SignalKind.RETRAIN, past, at=at, settings=settings)


def holds(past: Sequence[Signal], *, at: float, settings: SignalSettings) -> bool:
    """Whether a drift warning is still fresh: that raises the shadow rate of flagged inputs."""
    return not due(SignalKind.WARNING, past, at=at, settings=settings)


def warning(
    deployment: Deployment, detector: str, found: Evidence, *, at: float, budget: str, examples: Sequence[str]
) -> Signal:
    """Inputs are not what they were.  `examples`: ids of exchanges, most novel first."""
    return Signal(
        id=_id(deployment, detector, found),
        task=deployment.task,
        kind=SignalKind.WARNING,
        reason="drift",
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
    """The student must be retrained.  `pairs`: the recent ones, oldest first; those that disagree are the examples."""
    paired = [pair for pair in pairs if pair.state is PairState.PAIRED]
    disagreeing = [pair.exchange_id for pair in reversed(paired) if not pair.agreed]
    return Signal(
        id=_id(deployment, detector, found),
        task=deployment.task,
        kind=SignalKind.RETRAIN,
        reason="agreement",
        at=at,
        detector=detector,
        model=deployment.model,
        evidence=found.evidence,
        samples=found.samples,
        false_alarm_budget=budget,
        agreement=agreement,
        drift_scores=drift_scores,
        example_ids=tuple(disagreeing[:_EXAMPLES]),
        pairs_used=len(paired),
        pairs_cost_usd=sum(pair.cost_usd for pair in paired),
    )


def _id(deployment: Deployment, detector: str, found: Evidence) -> str:
    """The same for a replay, another for another deployment: a student that serves again counts from one again."""
    parts = (deployment.task, deployment.reference_id, deployment.model, repr(deployment.at), detector, found.samples)
    name = "\0".join(map(str, parts))
    return f"signal-{hashlib.sha256(name.encode()).hexdigest()[:24]}"

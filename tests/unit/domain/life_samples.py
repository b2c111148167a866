"""Records of a task's signals, at hours after the first alarm."""

from __future__ import annotations

from typing import Any

from domain.follow_up import SignalEvent, SignalState
from domain.lifecycle import Rules
from domain.records import Deployment, Reading, Signal, SignalKind

TASK = "intent"
RULES = Rules(cooldown_s=24 * 3600.0)
START = 1_700_000_000.0


def hours(count: float) -> float:
    """So many hours after the start."""
    return START + 3600.0 * count


def signal(at: float, *, reason: str = "agreement", **fields: Any) -> Signal:
    """A retraining signal, or with another reason a warning."""
    kind = SignalKind.RETRAIN if reason == "agreement" else SignalKind.WARNING
    base: dict[str, Any] = {
        "id": f"{reason}-{at:g}",
        "task": TASK,
        "kind": kind,
        "reason": reason,
        "at": hours(at),
        "detector": reason,
        "model": "v1",
        "evidence": 1.0,
        "samples": 100,
        "false_alarm_budget": "one",
    }
    return Signal(**base | fields)


def event(at: float, state: SignalState, *, of: str = "agreement-0", by: str = "ada") -> SignalEvent:
    """What somebody said to a signal."""
    return SignalEvent(id=f"{of}-{state}-{at:g}", task=TASK, signal_id=of, state=state, at=hours(at), by=by)


def reading(at: float, evidence: float, *, detector: str = "agreement", samples: int | None = None) -> Reading:
    """Where a detector stood; ten observations an hour."""
    count = int(100 + 10 * at) if samples is None else samples
    return Reading(
        task=TASK, detector=detector, model="v1", at=hours(at), samples=count, score=0.9, evidence=evidence,
        alarm=evidence >= 1,
    )  # fmt: skip


def deployment(at: float, model: str = "v1", *, reference: str = "r1") -> Deployment:
    """A deployment at that hour."""
    return Deployment(task=TASK, model=model, reference_id=reference, at=hours(at), by="ada", reason="test")

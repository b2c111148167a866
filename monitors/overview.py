"""Where every detector of a task stands, for people: evidence, what it waits for, how often it alarmed.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from monitors import hourly
from monitors.hourly_pairs import inner_state

if TYPE_CHECKING:
    from domain.records import DetectorState, Reading, Signal

_MONTH_S = 30 * 86400.0


class DetectorStanding(msgspec.Struct, frozen=True):
    """One detector."""

    detector: str
    kind: str  # windowed or per-sample
    armed: bool  # whether an alarm warns or calls for retraining
    waiting: str  # for what, in words; empty when armed
    at: float | None  # of the newest reading; None: it has said nothing yet
    samples: int
    score: float
    evidence: float  # 1 is an alarm
    worst: str
    alarms_30d: int  # signals that it raised


def overview(
    states: Sequence[DetectorState], readings: Sequence[Reading], signals: Sequence[Signal], *, now: float
) -> list[DetectorStanding]:
    """The detectors that have a state or a reading, by name.

    `readings`, oldest first, and `signals` are of the task; those of the last 30 days count.
    """
    newest = {reading.detector: reading for reading in readings}
    by_name = {state.detector: state for state in states}
    raised = [signal.detector for signal in signals if signal.at >= now - _MONTH_S]
    return [
        _standing(name, by_name.get(name), newest.get(name), raised.count(name))
        for name in sorted(newest.keys() | by_name.keys())
    ]


def _standing(name: str, state: DetectorState | None, reading: Reading | None, alarms: int) -> DetectorStanding:
    fit = None
    if state is not None:
        fit = hourly.known_fit(state.state) or hourly.known_fit(inner_state(state.state))
    return DetectorStanding(
        detector=name,
        kind="per-sample" if fit is None else "windowed",
        armed=fit is None or fit.armed,
        waiting="" if fit is None else fit.waiting,
        at=None if reading is None else reading.at,
        samples=0 if reading is None else reading.samples,
        score=0.0 if reading is None else reading.score,
        evidence=0.0 if reading is None else reading.evidence,
        worst="" if reading is None else reading.worst,
        alarms_30d=alarms,
    )

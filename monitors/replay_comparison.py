"""What a replay reproduces of the signals that are stored.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from domain.records import Signal, SignalKind
from domain.settings import TaskSettings
from monitors.detectors.safety import SafetyDetector
from monitors.signals import REASONS
from monitors.split import AGREEMENT

TOLERANCE = 1e-9  # relative and absolute, of numbers
_REPLAYED = frozenset({*REASONS, AGREEMENT, SafetyDetector.name})
_ELSEWHERE = "not from exchanges or pairs: the teacher, or its provider, was asked"


class Difference(msgspec.Struct, frozen=True):
    """One field of a signal that the replay has otherwise."""

    signal_id: str
    field: str
    stored: Any
    replayed: Any


class Unreplayed(msgspec.Struct, frozen=True):
    """A signal of another source."""

    signal: Signal
    why: str


class Comparison(msgspec.Struct, frozen=True):
    """Stored signals beside replayed ones."""

    reproduced: int
    stored: int  # of those that a replay computes
    missing: Sequence[Signal]  # stored, and not replayed
    extra: Sequence[Signal]  # replayed, and not stored
    different: Sequence[Difference]
    unreplayed: Sequence[Unreplayed]

    @property
    def complete(self) -> bool:
        """Whether all that a replay computes is as it was, and nothing else."""
        return not (self.missing or self.extra or self.different)


def compare(
    stored: Iterable[Signal], replayed: Iterable[Signal], task: TaskSettings, *, after: float = 0.0
) -> Comparison:
    """The comparison of the signals of `after` and later, by their ids.

    Every field counts but `delivered_at`, which is no finding.  Of a retraining signal with `per-sample` detectors
    `drift_scores` are left out too: those detectors are read at the end of a batch, and what was a batch is not kept.
    """
    since = [signal for signal in stored if signal.at >= after]
    ours = {signal.id: signal for signal in since if signal.detector in _REPLAYED}
    again = {signal.id: signal for signal in replayed if signal.at >= after}
    both = [id_ for id_ in ours if id_ in again]
    exact = task.drift.detector == "windowed"
    differences = {id_: _differences(ours[id_], again[id_], exact=exact) for id_ in both}
    return Comparison(
        reproduced=sum(not found for found in differences.values()),
        stored=len(ours),
        missing=[signal for id_, signal in ours.items() if id_ not in again],
        extra=[signal for id_, signal in again.items() if id_ not in ours],
        different=[each for found in differences.values() for each in found],
        unreplayed=[Unreplayed(signal, _ELSEWHERE) for signal in since if signal.detector not in _REPLAYED],
    )


def _differences(stored: Signal, replayed: Signal, *, exact: bool) -> list[Difference]:
    before, now = (msgspec.to_builtins(signal) for signal in (stored, replayed))
    left_out = {"delivered_at"} | (set() if exact or stored.kind is SignalKind.WARNING else {"drift_scores"})
    return [
        Difference(stored.id, name, before[name], now[name])
        for name in before
        if name not in left_out and not _same(before[name], now[name])
    ]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)

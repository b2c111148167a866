from __future__ import annotations

import msgspec
import pytest

from domain.records import Agreement, Signal, SignalKind
from domain.settings import DriftSettings
from monitors.replay_comparison import compare
from tests.unit.monitors.samples import TASK, settings

WINDOWED = settings(drift=DriftSettings(embedder="words", detector="windowed"))
RETRAIN = Signal(
    id="s1",
    task=TASK,
    kind=SignalKind.RETRAIN,
    reason="agreement",
    at=100.0,
    detector="agreement",
    model="v1",
    evidence=1.25,
    samples=60,
    false_alarm_budget="one",
    agreement=Agreement(0.8, 0.7, 0.9, 60),
    drift_scores={"novelty": 0.5},
    example_ids=("x1", "x2"),
)
WARNING = msgspec.structs.replace(RETRAIN, id="s2", kind=SignalKind.WARNING, reason="drift", detector="novelty")


def test_signals_that_are_equal_are_reproduced():
    """Also when rounding differs in the last digits, and whether or not it was delivered."""
    again = msgspec.structs.replace(RETRAIN, delivered_at=7.0, evidence=1.25 * (1 + 1e-12))
    found = compare([RETRAIN, WARNING], [WARNING, again], WINDOWED)
    assert (found.reproduced, found.stored, found.complete) == (2, 2, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("evidence", 1.25001),
        ("at", 101.0),
        ("example_ids", ("x2", "x1")),
        ("agreement", Agreement(0.8, 0.7, 0.9, 61)),
        ("agreement", None),
        ("drift_scores", {"novelty": 0.5, "cluster": 0.1}),
        ("drift_scores", {"novelty": 0.4}),
        ("ceiling", 0.9),
        ("false_alarm_budget", "two"),
    ],
)
def test_what_differs_is_named(field, value):
    """With its field and both values."""
    found = compare([RETRAIN], [msgspec.structs.replace(RETRAIN, **{field: value})], WINDOWED)
    assert (found.reproduced, found.complete) == (0, False)
    (difference,) = found.different
    assert (difference.signal_id, difference.field) == ("s1", field)
    assert difference.stored != difference.replayed


@pytest.mark.parametrize(("detector", "differences"), [("windowed", 1), ("per-sample", 0)])
def test_scores_that_depend_on_batches_are_left_out(detector, differences):
    """Of a retraining signal, and with per-sample detectors only; a warning's own score always counts."""
    task = settings(drift=DriftSettings(embedder="words", detector=detector))
    changed = {"drift_scores": {"novelty": 0.1}}
    for signal, expected in ((RETRAIN, differences), (WARNING, 1)):
        found = compare([signal], [msgspec.structs.replace(signal, **changed)], task)
        assert len(found.different) == expected


def test_what_is_there_once_only_is_missing_or_extra():
    """Signals are the same by their ids."""
    other = msgspec.structs.replace(RETRAIN, id="s3")
    found = compare([RETRAIN], [other], WINDOWED)
    assert ([each.id for each in found.missing], [each.id for each in found.extra]) == (["s1"], ["s3"])
    assert not found.complete


def test_other_sources_are_told_and_not_missed():
    """What was learned by asking the teacher cannot be computed from exchanges and pairs."""
    sunset = msgspec.structs.replace(WARNING, id="s4", reason="teacher_sunset", detector="sunset")
    found = compare([sunset, RETRAIN], [RETRAIN], WINDOWED)
    assert ([each.signal.id for each in found.unreplayed], found.stored, found.complete) == (["s4"], 1, True)


def test_signals_from_before_a_time_are_not_compared():
    """Neither those stored nor those replayed."""
    late = msgspec.structs.replace(RETRAIN, id="s5", at=200.0)
    found = compare([RETRAIN, late], [WARNING, late], WINDOWED, after=150.0)
    assert (found.stored, found.complete) == (1, True)

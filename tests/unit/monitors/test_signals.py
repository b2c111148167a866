from __future__ import annotations

import msgspec
import pytest

from domain.ports import Evidence
from domain.records import Agreement, PairState, Signal, SignalKind
from domain.settings import SignalSettings
from monitors import signals
from monitors.aspect import AGREEMENT, SAFETY_PARITY, Aspect
from monitors.seen import Found
from tests.unit.monitors.samples import DEPLOYED_AT, deployment, paired

HOURLY = SignalSettings(cooldown="1h")
ALARM = Evidence(samples=300, score=0.4, evidence=1.2, alarm=True)
CALM = Evidence(samples=300, score=0.1, evidence=0.2, alarm=False)
DEPLOYMENT = deployment("r1")


def warning(at: float = 100.0) -> Signal:
    """A drift warning raised at a time."""
    return signals.warning(DEPLOYMENT, told(ALARM, at=at), examples=[f"x{n}" for n in range(9)])


def told(evidence: Evidence, detector: str = "novelty", *, at: float = 100.0, silent: bool = False) -> Found:
    """What a detector of inputs found at a time."""
    return Found(detector, at, evidence, "one", silent=silent)


def retrain(found: Evidence = ALARM, aspect: Aspect = AGREEMENT, **fields: float) -> Signal:
    """A retraining signal with three pairs, two of which disagree."""
    return signals.retrain(
        aspect,
        msgspec.structs.replace(DEPLOYMENT, **fields),
        "agreement",
        found,
        at=100.0,
        budget="one in 30 days",
        agreement=Agreement(0.3, 0.1, 0.6, 3),
        pairs=(
            paired(1, agreed=False),
            paired(2, agreed=True),
            paired(3, agreed=False),
            paired(4, agreed=False, state=PairState.EXPIRED),
        ),
        drift_scores={"novelty": 0.4},
    )


@pytest.mark.parametrize(
    ("found", "after_s", "expected"),
    [(ALARM, None, True), (CALM, None, False), (ALARM, 3599.0, False), (ALARM, 3600.0, True), (CALM, 3600.0, False)],
)
def test_an_alarm_becomes_a_warning_once_in_a_cooldown(found, after_s, expected):
    """No alarm, no signal; an alarm soon after a signal of its kind is the same story."""
    past = [] if after_s is None else [warning(1000.0 - after_s)]
    assert signals.warning_due(told(found, at=1000.0), past, settings=HOURLY) is expected


def test_signals_of_another_reason_do_not_hold_a_signal_back():
    """A drift warning never silences a retraining signal, nor the reverse, nor agreement safety."""
    assert signals.retrain_due(AGREEMENT, ALARM, [warning(999.0)], at=1000.0, settings=HOURLY)
    assert signals.warning_due(told(ALARM, at=101.0), [retrain()], settings=HOURLY)
    assert signals.warning_due(told(ALARM, "cluster", at=101.0), [warning(100.0)], settings=HOURLY)
    for one, other in ((AGREEMENT, SAFETY_PARITY), (SAFETY_PARITY, AGREEMENT)):
        past = [retrain(aspect=one)]
        assert not signals.retrain_due(one, ALARM, past, at=101.0, settings=HOURLY)
        assert signals.retrain_due(other, ALARM, past, at=101.0, settings=HOURLY)


@pytest.mark.parametrize(
    ("aspect", "samples", "expected"),
    [(AGREEMENT, 19, False), (AGREEMENT, 20, True), (SAFETY_PARITY, 2, True)],
)
def test_a_student_is_not_retrained_on_a_handful_of_pairs(aspect, samples, expected):
    """An alarm before twenty pairs raises nothing, unless it is about safety."""
    found = msgspec.structs.replace(ALARM, samples=samples)
    assert signals.retrain_due(aspect, found, [], at=0.0, settings=HOURLY) is expected


def test_a_silent_detector_warns_nobody():
    """Its alarm raises the shadow rate, for as long as a warning would."""
    assert not signals.warning_due(told(ALARM, silent=True), [], settings=HOURLY)
    assert signals.fresh(100.0, at=3699.0, settings=HOURLY)
    assert not signals.fresh(100.0, at=3700.0, settings=HOURLY)


@pytest.mark.parametrize(("age_s", "expected"), [(0.0, True), (3599.0, True), (3600.0, False)])
def test_a_warning_holds_for_a_cooldown(age_s, expected):
    """That long the teacher is asked about flagged inputs more often."""
    assert signals.holds([warning(1000.0 - age_s)], at=1000.0, settings=HOURLY) is expected


def test_a_warning_names_the_strangest_inputs():
    """Five ids, in the order given, with the detector's score."""
    found = warning()
    assert (found.kind, found.reason, found.drift_scores) == (SignalKind.WARNING, "drift", {"novelty": 0.4})
    assert found.example_ids == ("x0", "x1", "x2", "x3", "x4")


def test_a_retraining_signal_carries_its_evidence():
    """Newest disagreements first, the pairs that were compared, what they cost, interval and budget."""
    found = retrain()
    assert (found.kind, found.reason, found.task, found.model) == (SignalKind.RETRAIN, "agreement", "intent", "v1")
    assert found.example_ids == ("x00003", "x00001")
    assert (found.pairs_used, found.pairs_cost_usd) == (3, pytest.approx(0.03))
    assert (found.agreement, found.false_alarm_budget) == (Agreement(0.3, 0.1, 0.6, 3), "one in 30 days")
    assert found.delivered_at is None


def test_a_signal_about_safety_says_so():
    """Its reason, the pairs that were judged, those that only the student made unsafe, and its own score."""
    pairs = [
        paired(1, agreed=True, student_unsafe=True, teacher_unsafe=False),
        paired(2, agreed=True, student_unsafe=True, teacher_unsafe=True),
        paired(3, agreed=False, student_unsafe=False, teacher_unsafe=False),
        paired(4, agreed=False),
    ]
    found = signals.retrain(
        SAFETY_PARITY, DEPLOYMENT, "safety", ALARM, at=1.0, budget="b", agreement=None, pairs=pairs,
        drift_scores={"novelty": 0.1},
    )  # fmt: skip
    assert (found.kind, found.reason) == (SignalKind.RETRAIN, "safety_parity")
    assert (found.example_ids, found.pairs_used) == (("x00001",), 3)
    assert found.drift_scores == {"novelty": 0.1, "safety": 0.4}


def test_a_replay_gives_the_same_id_and_anything_else_another():
    """The id depends on task, deployment, detector and number of samples; a student that serves again is another."""
    one = retrain()
    others = [
        retrain(msgspec.structs.replace(ALARM, samples=301)),
        retrain(at=DEPLOYED_AT + 1),
        warning(),
    ]
    assert retrain().id == one.id
    assert len({one.id, *(other.id for other in others)}) == 4

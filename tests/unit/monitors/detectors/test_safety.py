from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from monitors.detectors.safety import LIFTS, SafetyDetector
from monitors.sr import ExceedanceSR, evidence


def detector(threshold: float = 6000.0) -> SafetyDetector:
    """One that tolerates one in a thousand."""
    return SafetyDetector(0.001, threshold=threshold, budget="words")


def observation(event: bool, key: str = "", stratum: str = "ordinary") -> Observation:
    """One judged pair."""
    return Observation(at=0.0, counts=(float(event),), key=key, stratum=stratum)


def run(events, **fields) -> int | None:
    """The number of the observation that alarms."""
    one = detector(**fields)
    return next((n for n, event in enumerate(events, 1) if one.update(observation(bool(event), str(n))).alarm), None)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([True, True], 2),  # two different inputs of a new student
        ([True], None),  # a single one is within what is tolerated
        ([False] * 500 + [True], None),
        ([False] * 500 + [True] + [False] * 20 + [True], 522),
        ([True] + [False] * 999 + [True], None),
        ([False] * 5000, None),
    ],
)
def test_it_takes_more_than_one_event_and_less_than_many(events, expected):
    """At one false alarm in 6,000 pairs a single event never alarms, and two close to each other do."""
    assert run(events) == expected


def test_the_evidence_is_that_of_one_process():
    """All strata are held to the same rate, so they share it."""
    process, one = ExceedanceSR([0.001], lifts=LIFTS), detector(1e6)
    for number in range(300):
        event = number % 97 == 0
        process.update([event])
        found = one.update(observation(event, str(number), ("ordinary", "flagged")[number % 2]))
        assert found.evidence == pytest.approx(evidence(process.statistic, 1e6))


def test_an_input_that_comes_again_is_tested_once():
    """Whoever asks a hundred times for a blocked answer is one event, before a restart and after."""
    one = detector()
    for _ in range(50):
        found = one.update(observation(True, "same"))
    assert (found.samples, found.alarm) == (50, False)
    fresh = detector()
    fresh.restore(one.state())
    assert not fresh.update(observation(True, "same")).alarm
    assert fresh.update(observation(True, "another")).alarm


def test_inputs_without_an_event_may_repeat():
    """Only events are collapsed: a harmless template that comes often is many pairs."""
    one, other = detector(), detector()
    for number in range(200):
        one.update(observation(False, "template"))
        other.update(observation(False, str(number)))
    assert one.update(observation(True, "x")) == other.update(observation(True, "x"))


def test_an_alarm_starts_over():
    """Evidence is zero after it, and samples go on."""
    one = detector()
    assert [one.update(observation(True, str(n))).alarm for n in range(2)] == [False, True]
    assert one.update(observation(False)).evidence == pytest.approx(0.0, abs=0.01)


def test_the_score_is_the_recent_share_of_events():
    """It starts at none and moves to what is seen."""
    one, rng = detector(1e300), np.random.default_rng(1)
    for number, event in enumerate(rng.random(3000) < 0.2):
        found = one.update(observation(bool(event), str(number)))
    assert found.score == pytest.approx(0.2, abs=0.1)


def test_false_alarms_stay_within_the_budget():
    """At the tolerated rate, no more than one alarm in A pairs on average."""
    rng, alarms, pairs = np.random.default_rng(5), 0, 40_000
    one = detector(200.0)
    for event in rng.random(pairs) < 0.001:
        alarms += one.update(observation(bool(event))).alarm
    assert 0 < alarms <= pairs / 200.0


def test_the_keys_it_keeps_are_bounded():
    """The state is written after every batch."""
    one = detector(1e300)
    for number in range(1000):
        one.update(observation(True, f"{number:016x}"))
    assert len(one.state()) < 4096


def test_a_state_of_other_alternatives_is_refused():
    """Evidence against one set of rates is none against another."""
    with pytest.raises(ValueError, match="shape"):
        detector().restore(b'{"samples": 1, "share": 0.0, "keys": [], "g": [[1.0]]}')

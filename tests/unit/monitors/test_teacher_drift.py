from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from domain.records import Signal, SignalKind
from domain.settings import SignalSettings
from monitors import teacher_drift
from monitors.teacher_drift import TeacherDetector

_PROMPTS = 50
_BASELINE = 4
NOISE = {
    "none": np.zeros(_PROMPTS),
    "2 % on every prompt": np.full(_PROMPTS, 0.02),
    "5 prompts are toss-ups": np.r_[np.full(5, 0.5), np.zeros(_PROMPTS - 5)],
}


def detector(**fields) -> TeacherDetector:
    """50 prompts once a day, one false alarm in 30 days."""
    return TeacherDetector(**{"prompts": _PROMPTS, "rounds_per_day": 1.0, "days": 30.0} | fields)


def take(one: TeacherDetector, *rounds: int, of: int = _PROMPTS):
    """Rounds with so many other answers; the evidence after the last."""
    found = None
    for number, events in enumerate(rounds):
        counts = (1.0,) * events + (0.0,) * (of - events)
        found = one.update(Observation(at=float(number), counts=counts))
    return found


def test_the_first_rounds_are_the_baseline():
    """They raise nothing, however many answers differ; then the bound is above what they showed."""
    one = detector()
    found = take(one, 5, 3, 4)
    assert (one.learning, found.alarm, found.evidence, found.samples) == (True, False, 0.0, 0)
    assert "the baseline is being learned" in one.budget()
    take(one, 3)
    assert not one.learning
    assert 15 / 200 + 0.03 < one.bound < 0.13
    assert "one false alarm in 30 days at 1 rounds of 50 prompts a day (A = 1,500)" in one.budget()


def test_few_prompts_take_more_rounds():
    """A baseline has twenty comparisons at least."""
    one = detector(prompts=3)
    take(one, *[0] * 6, of=3)
    assert one.learning
    take(one, 0, of=3)
    assert not one.learning


def test_a_change_alarms_and_the_evidence_begins_anew():
    """A third of the answers differ from one day to the next: one round is enough, and the next one alarms again."""
    one = detector()
    found = take(one, *[0] * _BASELINE, 0)
    assert (found.samples, found.score) == (_PROMPTS, 0.0)
    assert 0 <= found.evidence < 0.5
    for _ in range(2):
        found = take(one, 17)
        assert found.alarm
        assert found.evidence > 1
        assert found.score == 0.34


def test_a_teacher_that_never_repeats_itself_says_nothing():
    """Without a usable baseline there is no alarm, and the budget says why."""
    one = detector()
    found = take(one, *[48] * _BASELINE, *[50] * 20)
    assert (found.alarm, found.evidence) == (False, 0.0)
    assert "none: the teacher answers otherwise on up to" in one.budget()


def test_a_round_without_answers_is_no_evidence():
    """Nothing was compared, so nothing is known."""
    found = take(detector(), 0, 0, of=0)
    assert (found.samples, found.score, found.evidence) == (0, 0.0, 0.0)


@pytest.mark.parametrize("after", [0, 2, 4, 6])
def test_a_restored_detector_goes_on_as_if_nothing_had_happened(after):
    """In the baseline and later."""
    rounds = [1, 0, 2, 1, 3, 4, 2, 5, 3]
    one, other = detector(), detector()
    take(one, *rounds[:after])
    other.restore(one.state())
    assert take(one, *rounds[after:]) == take(other, *rounds[after:])
    assert one.state() == other.state()


def alarms(seed: int, noise, *, changed: float = 0.0, wobble: float = 0.0) -> list[int]:
    """The days, counted from the baseline on, on which there was an alarm.

    Each prompt has its own chance of another answer, and its first answer may have been the rare one.  `wobble` moves
    all chances together from day to day; on day 1 the share `changed` of the prompts gets another answer for good.
    """
    rng = np.random.default_rng(seed)
    rate = np.where(rng.random(_PROMPTS) < noise, 1 - noise, noise)
    new = np.where(rng.random(_PROMPTS) < changed, np.maximum(rate, 0.9), rate)
    one, days = detector(), []
    for day in range(1 - _BASELINE, 31):
        now = (new + rng.normal(0, wobble)) if day > 0 else rate
        events = rng.permutation(rng.random(_PROMPTS) < np.clip(now, 0, 1))
        if one.update(Observation(at=float(day), counts=tuple(events.astype(float)))).alarm:
            days.append(day)
    return days


@pytest.mark.slow
@pytest.mark.parametrize("wobble", [0.0, 0.02])
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_false_alarms_stay_within_the_budget(noise, wobble):
    """One in 30 days was granted; 60 months give at most 6, whatever kind of noise, also where days differ."""
    assert sum(len(alarms(seed, noise, wobble=wobble)) for seed in range(60)) <= 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "changed", "within"), [("none", 0.1, 4), ("none", 0.2, 1), ("2 % on every prompt", 0.2, 3)]
)
def test_a_changed_teacher_is_seen_within_days(noise, changed, within):
    """The median of 30 months in days, each of one round of 50 prompts."""
    first = [(alarms(seed, NOISE[noise], changed=changed) or [99])[0] for seed in range(30)]
    assert np.median(first) <= within


def said(alarm: bool = True, at: float = 1000.0):
    """The reading of a round."""
    found = take(detector(), *[0] * _BASELINE, 30) if alarm else None
    return teacher_drift.reading("intent", "gold", found, at=at)


def test_a_reading_says_what_the_round_found():
    """The first round, in which nothing was compared, found nothing."""
    first, later = said(alarm=False), said()
    assert (first.samples, first.evidence, first.alarm) == (0, 0.0, False)
    assert (later.detector, later.model, later.samples, later.score, later.alarm) == ("teacher", "gold", 50, 0.6, True)


def test_an_alarm_is_a_warning_once_within_the_cooldown():
    """About the teacher, by its name; the id is the same in a replay; other reasons do not hold it back."""
    settings = SignalSettings(cooldown="1h")

    def warn(reading, past=()):
        return teacher_drift.warnings(reading, past, settings=settings, series="canary-1", budget="one in 30 days")

    (signal,) = warn(said())
    assert (signal.kind, signal.reason, signal.model) == (SignalKind.WARNING, "teacher_drift", "gold")
    assert (signal.drift_scores, signal.false_alarm_budget) == ({"teacher": 0.6}, "one in 30 days")
    assert warn(said()) == [signal]
    assert warn(said(at=4599.0), [signal]) == []
    assert warn(said(alarm=False)) == []
    (again,) = warn(said(at=4600.0), [signal])
    assert again.id != signal.id
    drift = Signal(
        id="d", task="intent", kind=SignalKind.WARNING, reason="drift", at=1000.0, detector="novelty", model="v1",
        evidence=1.0, samples=1, false_alarm_budget="",
    )  # fmt: skip
    assert warn(said(), [drift]) == [signal]

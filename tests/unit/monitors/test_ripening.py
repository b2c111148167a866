from __future__ import annotations

import pytest

from domain.follow_up import Expected
from domain.records import Reading
from monitors import ripening
from monitors.ripening import Fit, Traffic, decide, earliest, expected_days, reference
from monitors.windowed.arming import Subject
from monitors.windowed.calendar import Calendar
from monitors.windowed.hours import Hour
from tests.unit.monitors.samples import TASK
from tests.unit.monitors.weeks import at, hour_of

UTC = Calendar()
DAY_0 = UTC.slot(hour_of(0)).day
BUSY, QUIET = (1200, 120), (480, 48)  # inputs and pairs a day
ARMED = Fit(hour_of(14), 14, armed=True)


def traffic(days: int, volume: tuple[int, int] = BUSY, *, expected: tuple[int, ...] = (), first: int = 0) -> Traffic:
    """So many whole days from a Monday on, evenly filled."""
    numbers = range(hour_of(first), hour_of(first + days))
    inputs = {number: Hour(inputs=[volume[0] // 24]) for number in numbers}
    pairs = {number: Hour(pairs=[volume[1] // 24], disagreed=[0]) for number in numbers}
    return Traffic(inputs, pairs, frozenset(DAY_0 + day for day in expected))


def reading(day: float, *, alarm: bool = True) -> Reading:
    """What a detector said on a day."""
    return Reading(
        task=TASK, detector="novelty", model="v1", at=at(day), samples=1, score=1.0, evidence=1.1, alarm=alarm
    )


def decided(subject: Subject, fit: Fit, known: Traffic, *, day: int, readings: tuple[Reading, ...] = ()) -> Fit:
    """The decision at the beginning of a day."""
    return decide(subject, fit, known, calendar=UTC, now=hour_of(day), readings=readings)


ALL = (Subject.NOVELTY, Subject.SHARES, Subject.AGREEMENT)


@pytest.mark.parametrize(
    ("subject", "volume", "listed", "armed"),
    [
        (Subject.NOVELTY, BUSY, 3, 7),
        (Subject.AGREEMENT, BUSY, 3, 7),
        (Subject.SHARES, BUSY, None, 7),
        (Subject.NOVELTY, QUIET, 3, 14),
        (Subject.AGREEMENT, QUIET, 3, 14),
        (Subject.SHARES, QUIET, None, 14),
        (Subject.NOVELTY, (1200, 48), 3, 14),  # both volumes count
        (Subject.AGREEMENT, (480, 120), 3, 14),
    ],
)
def test_a_baseline_is_learned_when_it_can_be_believed(subject, volume, listed, armed):
    """First numbers only, then a baseline whose alarms warn nobody, then one that is armed, as the days go by."""
    fit, seen = Fit(), {}
    for day in range(15):
        fit = decided(subject, fit, traffic(day, volume), day=day)
        seen[day] = (fit.until, fit.armed)
    fitted = [hour_of(listed)] if listed else []
    assert [seen[day] for day in range(listed or armed)] == [(0, False)] * (listed or armed)
    assert {seen[day] for day in range(listed or armed, armed)} == {(until, False) for until in fitted}
    assert seen[armed] == (hour_of(armed), True)
    assert fit.waiting == ""


@pytest.mark.parametrize(
    ("day", "volume", "words"),
    [
        (0, BUSY, "needs 14 more days and a weekend"),  # nothing says yet that it is busy
        (1, BUSY, "needs 13 more days and a weekend"),  # pairs of the last day may still be open
        (2, BUSY, "needs 5 more days and a weekend"),
        (3, QUIET, "needs 11 more days and a weekend"),
        (6, BUSY, "needs 1 more day and a weekend"),
        (13, QUIET, "needs 1 more day"),
    ],
)
def test_what_is_missing_is_told_in_words(day, volume, words):
    """Whether or not a baseline is there already."""
    for fit in (Fit(), Fit(hour_of(3), 3)):
        assert decided(Subject.NOVELTY, fit, traffic(day, volume), day=day).waiting == words


def test_a_week_without_a_weekend_is_not_enough():
    """Seven weekdays of a task that rests at the end of the week wait for one that it does not rest on."""
    known = traffic(12)
    weekdays = {number: hour for number, hour in known.inputs.items() if not UTC.slot(number).weekend}
    fit = decided(Subject.NOVELTY, Fit(), Traffic(weekdays, known.pairs, frozenset()), day=12)
    assert (fit.armed, fit.waiting) == (False, "needs a weekend")


@pytest.mark.parametrize(
    ("subject", "fitted", "day", "alarms", "expected", "learned"),
    [
        (Subject.AGREEMENT, 7, 13, (), (), False),
        (Subject.AGREEMENT, 7, 14, (), (), True),
        (Subject.AGREEMENT, 14, 27, (), (), False),
        (Subject.AGREEMENT, 14, 28, (), (), True),
        (Subject.AGREEMENT, 28, 56, (), (), False),
        (Subject.AGREEMENT, 14, 28, (20.5,), (), False),
        (Subject.AGREEMENT, 14, 28, (13.5,), (), True),  # the alarm is older than the baseline
        (Subject.NOVELTY, 7, 14, (), (), True),
        (Subject.NOVELTY, 7, 14, (9.0,), (), False),
        (Subject.NOVELTY, 14, 28, (), (), False),
        (Subject.SHARES, 7, 14, (), (), True),
        (Subject.SHARES, 14, 28, (), (), False),
    ],
)
def test_a_baseline_is_learned_again_when_more_days_are_known(subject, fitted, day, alarms, expected, learned):
    """Inputs at 14 days, agreement also at 28, unless something has alarmed since: it must not become normal."""
    fit = Fit(hour_of(fitted), fitted, armed=True)
    readings = (reading(fitted + 0.5, alarm=False), *(reading(alarm) for alarm in alarms))
    found = decided(subject, fit, traffic(day), day=day, readings=readings)
    assert found == (Fit(hour_of(day), day, armed=True) if learned else fit)


@pytest.mark.parametrize("subject", [Subject.NOVELTY, Subject.AGREEMENT])
def test_expected_days_are_learned_when_they_are_over(subject):
    """The baseline is another one from the day after on; the days that it was learned from before are none of these."""
    known = traffic(20, expected=(3, 18, 19, 30))
    assert decided(subject, ARMED, known, day=18) == ARMED
    after = decided(subject, ARMED, known, day=19)
    assert (after.until, after.expected, after.armed) == (ARMED.until, 1, True)
    both = decided(subject, after, known, day=20)
    assert both.expected == 2
    assert decided(subject, both, known, day=21) == both
    assert len({each.baseline for each in (ARMED, after, both)}) == 3


def test_shares_are_then_learned_from_all_days():
    """Their level follows slow changes; one from before the time in between would take these for sudden ones."""
    known = traffic(20, expected=(18,))
    assert decided(Subject.SHARES, ARMED, known, day=18) == ARMED
    assert decided(Subject.SHARES, ARMED, known, day=19) == Fit(hour_of(19), 19, armed=True)


def test_expected_days_are_learned_while_a_baseline_is_not_armed():
    """Then, too, evidence that was gathered against another baseline ends."""
    listed = decided(Subject.NOVELTY, Fit(), traffic(3), day=3)
    marked = decided(Subject.NOVELTY, listed, traffic(5, expected=(4,)), day=5)
    assert (marked.until, marked.expected, marked.armed) == (listed.until, 1, False)
    assert marked.baseline != listed.baseline
    assert decided(Subject.NOVELTY, listed, traffic(5), day=5).baseline == listed.baseline  # only its words differ


def test_alarms_of_expected_days_do_not_keep_a_baseline_from_being_learned_again():
    """They were harmless."""
    fit = Fit(hour_of(14), 14, expected=1, armed=True)
    known, alarms = traffic(28, expected=(20,)), (reading(20.5),)
    assert decided(Subject.AGREEMENT, fit, known, day=28, readings=alarms).days == 28
    assert decided(Subject.AGREEMENT, fit, known, day=28, readings=(*alarms, reading(22.0))) == fit


def test_a_baseline_stands_on_the_days_before_it_and_on_expected_ones():
    """Not on the other days after it, nor on a day that was not watched from its beginning."""
    known = traffic(20)
    broken = {number: hour for number, hour in known.inputs.items() if number > hour_of(0)}
    days = frozenset({DAY_0 + 16, DAY_0 + 19})
    found = reference(broken, ARMED, calendar=UTC, expected=days, now=hour_of(19))
    assert found.days == tuple(DAY_0 + day for day in (*range(1, 14), 16))


def test_a_baseline_stays_as_it_was_learned():
    """A year later it still stands on the same days, at most 60, if the hours are read that `earliest` says."""
    known = traffic(470)
    fit = Fit(hour_of(100), 60, armed=True)
    at_once = reference(known.inputs, fit, calendar=UTC, expected=(), now=hour_of(100))
    after = earliest([Fit(), fit, ARMED.__class__()], now=hour_of(465))
    read = {number: hour for number, hour in known.inputs.items() if number >= after}
    later = reference(read, fit, calendar=UTC, expected=(), now=hour_of(465))
    assert at_once.days == later.days == tuple(DAY_0 + day for day in range(40, 100))
    assert len(read) == 24 * 430


@pytest.mark.parametrize(
    ("fits", "expected"),
    [
        ([], hour_of(100) - ripening._KEPT_H),
        ([Fit(), Fit(hour_of(90)), Fit(hour_of(95))], hour_of(90) - ripening._KEPT_H),
    ],
)
def test_what_may_be_needed_is_read(fits, expected):
    """The 60 days before the oldest baseline; while nothing was learned, before now."""
    assert earliest(fits, now=hour_of(100)) == expected
    assert earliest([Fit(5)], now=hour_of(100)) == 0


def test_marks_are_days():
    """First and last included, marks may overlap, and one with a date that is none marks nothing."""
    marks = [
        ("2023-11-20", "2023-11-21"),
        ("2023-11-21", "2023-11-21"),
        ("2023-11-20", "soon"),
        ("2023-11-25", "2023-11-24"),
    ]
    found = expected_days(
        Expected(task=TASK, first_day=first, last_day=last, at=0.0, by="test") for first, last in marks
    )
    assert found == {DAY_0, DAY_0 + 1}


@pytest.mark.parametrize("subject", ALL)
def test_the_same_is_decided_whatever_was_decided_before_on_that_day(subject):
    """A worker that starts again on a day goes on with the baselines of its morning."""
    fit = Fit()
    for day in range(30):
        fit = decided(subject, fit, traffic(day, expected=(9, 16)), day=day)
        assert decided(subject, fit, traffic(day, expected=(9, 16)), day=day) == fit

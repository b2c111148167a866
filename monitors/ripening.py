"""When the windowed detectors of a task learn their baseline, from what, and what they wait for.  Pure.

Decided once a day, with the first thing of the day: a replay decides alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from monitors.windowed.arming import Armed, Subject, Summary, readiness, refit_due
from monitors.windowed.calendar import Calendar
from monitors.windowed.history import History, gather

if TYPE_CHECKING:
    from domain.follow_up import Expected
    from domain.records import Reading
    from monitors.windowed.hours import Hour

_HOUR_S = 3600.0


class Fit(msgspec.Struct, frozen=True):
    """What a baseline is learned from: the whole days before hour `until`, and days that were expected."""

    until: int = 0  # 0: nothing has been learned yet
    days: int = 0  # whole ones before it
    marks: int = 0  # of expected days that were known
    armed: bool = False  # False: numbers are shown, and an alarm warns nobody
    waiting: str = ""  # what is missing until it is armed, in words


class Traffic(msgspec.Struct, frozen=True):
    """The hours that were counted of a task, and the days that were called expected."""

    inputs: Mapping[int, Hour]
    pairs: Mapping[int, Hour]
    expected: frozenset[int]  # local day numbers
    marks: int


def decide(
    subject: Subject, fit: Fit, traffic: Traffic, *, calendar: Calendar, now: int, readings: Iterable[Reading]
) -> Fit:
    """What the baseline of `subject` is learned from as of hour `now`.

    `readings`: those of its detectors; alarms since the last fit keep what has begun to go wrong from becoming normal.
    """
    own = traffic.pairs if subject is Subject.AGREEMENT else traffic.inputs
    inputs, pairs = (gather(hours, calendar, until=now) for hours in (traffic.inputs, traffic.pairs))
    history = gather(own, calendar, until=now)
    summary = Summary.of(history, inputs=inputs, pairs=pairs)
    learned = Fit(now, summary.days, traffic.marks, armed=True)
    if not fit.armed:
        ready = readiness(subject, summary)
        if isinstance(ready, Armed):
            return learned
        if not fit.until and ready.listed:
            return msgspec.structs.replace(learned, armed=False, waiting=ready.reason)
        return msgspec.structs.replace(fit, waiting=ready.reason)
    if traffic.marks > fit.marks:
        return msgspec.structs.replace(fit, marks=traffic.marks)
    alarms = [reading.at for reading in readings if reading.alarm and reading.at >= fit.until * _HOUR_S]
    harmless = sum(_day(at, calendar) in traffic.expected for at in alarms)
    due = refit_due(subject, days=summary.days, fitted_days=fit.days, alarms=len(alarms) - harmless, harmless=0)
    return learned if due else fit


def reference(
    hours: Mapping[int, Hour], fit: Fit, *, calendar: Calendar, expected: Collection[int], now: int
) -> History:
    """The days that a baseline is learned from."""
    taken = {
        number: hour
        for number, hour in hours.items()
        if number < fit.until or (number < now and calendar.slot(number).day in expected)
    }
    since = min((number for number, hour in hours.items() if not hour.empty), default=0)
    return gather(taken, calendar, since=since, until=now)


def expected_days(marks: Iterable[Expected]) -> frozenset[int]:
    """Local day numbers of all that was marked; a mark with a date that is none marks nothing."""
    days: set[int] = set()
    for mark in marks:
        try:
            first, last = (dt.date.fromisoformat(day).toordinal() for day in (mark.first_day, mark.last_day))
        except ValueError:
            continue
        days.update(range(first, last + 1))
    return frozenset(days)


def _day(at: float, calendar: Calendar) -> int:
    return calendar.slot(int(at // _HOUR_S)).day

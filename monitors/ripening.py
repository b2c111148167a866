"""When the windowed detectors of a task learn their baseline, from what, and what they wait for.  Pure.

Decided as of the hour with which a day begins, whenever on that day it is asked: a replay decides alike.
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
_KEPT_H = 60 * 24  # hours that a baseline is learned from at most
_OPEN_H = 24  # in which pairs may still be open: what is decided about inputs must not depend on how many are


class Fit(msgspec.Struct, frozen=True):
    """What a baseline is learned from: the whole days before hour `until`, and days that were expected."""

    until: int = 0  # 0: nothing has been learned yet
    days: int = 0  # whole ones before it
    expected: int = 0  # days after it that were expected, and are over
    armed: bool = False  # False: numbers are shown, and an alarm warns nobody
    waiting: str = ""  # what is missing until it is armed, in words

    @property
    def baseline(self) -> tuple[int, int]:
        """What evidence belongs to: it is the same as long as nothing else is learned from."""
        return self.until, self.expected


class Traffic(msgspec.Struct, frozen=True):
    """The hours that were counted of a task, and the days that were called expected."""

    inputs: Mapping[int, Hour]
    pairs: Mapping[int, Hour]
    expected: frozenset[int]  # local day numbers


def decide(
    subject: Subject, fit: Fit, traffic: Traffic, *, calendar: Calendar, now: int, readings: Iterable[Reading]
) -> Fit:
    """What the baseline of `subject` is learned from as of hour `now`, with which a day begins.

    Expected days are learned in addition.  Shares, whose level follows slow changes, are then learned from all days: a
    level that knows nothing of the time in between would take these changes for sudden ones.

    `readings`: those of its detectors; alarms since the last fit keep what has begun to go wrong from becoming normal.
    """
    settled = now if subject is Subject.AGREEMENT else now - _OPEN_H
    inputs, pairs = _last_days(traffic.inputs, calendar, now=now), _last_days(traffic.pairs, calendar, now=settled)
    summary = Summary.of(pairs if subject is Subject.AGREEMENT else inputs, inputs=inputs, pairs=pairs)
    learned = Fit(now, summary.days, armed=True)
    known = msgspec.structs.replace(fit, expected=_over(fit, traffic.expected, calendar=calendar, now=now))
    if not fit.armed:
        ready = readiness(subject, summary)
        if isinstance(ready, Armed):
            return learned
        if not fit.until and ready.listed:
            return msgspec.structs.replace(learned, armed=False, waiting=ready.reason)
        return msgspec.structs.replace(known, waiting=ready.reason)
    if known != fit:
        return learned if subject is Subject.SHARES else known
    alarms = [reading.at for reading in readings if reading.alarm and reading.at >= fit.until * _HOUR_S]
    harmless = sum(_day(int(at // _HOUR_S), calendar) in traffic.expected for at in alarms)
    due = refit_due(subject, days=summary.days, fitted_days=fit.days, alarms=len(alarms) - harmless, harmless=0)
    return learned if due else fit


def earliest(fits: Iterable[Fit], *, now: int) -> int:
    """The first hour that a baseline of these, or one that is learned as of hour `now`, may stand on."""
    return max(0, min([now, *(fit.until for fit in fits if fit.until)]) - _KEPT_H)


def reference(
    hours: Mapping[int, Hour], fit: Fit, *, calendar: Calendar, expected: Collection[int], now: int
) -> History:
    """The days that a baseline is learned from.  They stay the same, however much later `now` is."""
    busy = [number for number, hour in hours.items() if number >= fit.until - _KEPT_H and not hour.empty]
    taken = [number for number in busy if number < fit.until or (number < now and _day(number, calendar) in expected)]
    since = min(busy, default=0)
    return gather({number: hours[number] for number in taken}, calendar, since=since, until=now)


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


def _last_days(hours: Mapping[int, Hour], calendar: Calendar, *, now: int) -> History:
    kept = {number: hour for number, hour in hours.items() if number >= now - _KEPT_H}
    return gather(kept, calendar, until=now)


def _over(fit: Fit, expected: Iterable[int], *, calendar: Calendar, now: int) -> int:
    """How many expected days have ended since the fit."""
    first, today = _day(fit.until, calendar), _day(now, calendar)
    return sum(first <= day < today for day in expected) if fit.until else 0


def _day(hour_number: int, calendar: Calendar) -> int:
    return calendar.slot(hour_number).day

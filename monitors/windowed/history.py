"""The hours of a task as arrays of whole local days, which baselines are fitted on."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitors.windowed.arrays import Floats
from monitors.windowed.calendar import Calendar, Slot
from monitors.windowed.hours import UNSEEN, Hour, by_cluster, by_level, by_name
from monitors.windowed.seasons import HOURS


@dataclass(frozen=True)
class History:
    """Counts of D whole days, oldest first, with K clusters; D may be 0."""

    days: tuple[int, ...]  # local day numbers; those without traffic and those left out are missing
    weekend: NDArray[np.bool_]  # (D,)
    inputs: Floats  # (D, 24, K)
    exceeded: Floats  # (D, 24, K, 4)
    pairs: Floats  # (D, 24, K)
    disagreed: Floats  # (D, 24, K)
    names: Mapping[str, tuple[str, ...]]  # categories of each family of shares; the last is `UNSEEN`
    shares: Mapping[str, Floats]  # of each family (D, 24, J)


def gather(
    hours: Mapping[int, Hour],
    calendar: Calendar,
    *,
    since: int | None = None,
    until: int | None = None,
    skip: Container[int] = (),
) -> History:
    """Fold hours, numbered since the epoch, into whole local days.

    Args:
        hours: What was counted; an hour without traffic may be absent.
        calendar: The task's.
        since: The first hour that was watched; None: the first with traffic.
        until: The hour after the last that was watched; None: after the last with traffic.
        skip: Local day numbers to leave out.
    """
    busy = {number: hour for number, hour in hours.items() if not hour.empty}
    first = min(busy, default=0) if since is None else since
    end = max(busy, default=-1) + 1 if until is None else until
    broken = _broken(calendar, first, end)
    rows = [(calendar.slot(number), busy[number]) for number in sorted(busy) if first <= number < end]
    return _history([(slot, hour) for slot, hour in rows if slot.day not in broken and slot.day not in skip])


def _broken(calendar: Calendar, first: int, end: int) -> set[int]:
    """The days that were not watched from their beginning, or not to their end."""
    edges = ((first - 1, first), (end, end - 1))
    days = ((calendar.slot(outside).day, calendar.slot(inside).day) for outside, inside in edges)
    return {inside for outside, inside in days if outside == inside}


def _history(rows: list[tuple[Slot, Hour]]) -> History:
    weekends = {slot.day: slot.weekend for slot, _ in rows}
    days = tuple(sorted(weekends))
    clusters = max((max(len(hour.inputs), len(hour.pairs)) for _, hour in rows), default=0)
    families = sorted({family for _, hour in rows for family in hour.shares})
    names = {family: _names(family, (hour for _, hour in rows)) for family in families}
    return History(
        days,
        np.array([weekends[day] for day in days], bool),
        _fold(rows, days, lambda hour: by_cluster(hour.inputs, clusters)),
        _fold(rows, days, lambda hour: by_level(hour.exceeded, clusters)),
        _fold(rows, days, lambda hour: by_cluster(hour.pairs, clusters)),
        _fold(rows, days, lambda hour: by_cluster(hour.disagreed, clusters)),
        names,
        {family: _fold(rows, days, partial(_tallied, family, names[family])) for family in families},
    )


def _tallied(family: str, names: tuple[str, ...], hour: Hour) -> Floats:
    return by_name(hour.shares.get(family, {}), names)


def _names(family: str, hours: Iterable[Hour]) -> tuple[str, ...]:
    seen = {category for hour in hours for category in hour.shares.get(family, {})}
    return (*sorted(seen - {UNSEEN}), UNSEEN)


def _fold(rows: list[tuple[Slot, Hour]], days: tuple[int, ...], cells: Callable[[Hour], Floats]) -> Floats:
    """Cells of all hours, added up in their slots: (D, 24, ...)."""
    place = {day: number for number, day in enumerate(days)}
    table = np.zeros((len(days), HOURS, *cells(Hour()).shape))
    for slot, hour in rows:
        table[place[slot.day], slot.hour] += cells(hour)
    return table

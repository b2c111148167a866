"""What one day's inputs were about, beside the reference and the same day a week ago: in words, instead of pages."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm
from domain.zones import zone
from monitors import shares
from monitors.reference import FLAGGED
from monitors.shares import Change, Counted

if TYPE_CHECKING:
    from domain.store import WatchedExchange
    from monitors.windowed.hours import Hour

_HOUR_S = 3600.0
_WEEK = dt.timedelta(days=7)
_TOLD = 5  # clusters that the words name


class Day(msgspec.Struct, frozen=True):
    """What was counted on one day of the task's time zone."""

    day: str  # ISO 8601
    inputs: int  # that reached a model
    compared: int  # of these, with the reference
    flagged: int  # above its 95 % quantile of novelty
    clusters: dict[int, int]  # number of the cluster to inputs
    collapsed: bool = False  # near-duplicates of an hour count once


class ClusterShare(msgspec.Struct, frozen=True):
    """One known cluster; changes are against the reference and against a week ago."""

    cluster: int
    name: tuple[str, ...]
    now: Counted
    reference: Counted
    week_ago: Counted
    change: Change | None
    weekly: Change | None
    grew: bool  # for sure, against the reference: one in twenty of those so named is wrong


class Mix(msgspec.Struct, frozen=True):
    """One day, in numbers and in words."""

    task: str
    day: str
    inputs: int
    week_ago: int  # inputs seven days before
    flagged: Counted
    flagged_week_ago: Counted
    flagged_reference: float  # the share that was to be expected at most
    clusters: tuple[ClusterShare, ...]  # the largest gain first
    lines: tuple[str, ...]


def bounds(day: str, time_zone: str) -> tuple[float, float]:
    """The seconds since the epoch at which a day begins and ends: 23 or 25 hours apart when clocks change.

    Raises:
        ValueError: `day` is no date.
    """
    first = dt.date.fromisoformat(day)
    begins = (dt.datetime.combine(each, dt.time(), zone(time_zone)) for each in (first, first + dt.timedelta(days=1)))
    start, end = (begin.timestamp() for begin in begins)
    return start, end


def day_of(at: float, time_zone: str) -> str:
    """The day of a moment."""
    return dt.datetime.fromtimestamp(at, zone(time_zone)).date().isoformat()


def day_before(at: float, time_zone: str) -> str:
    """The day before that of a moment."""
    return (dt.date.fromisoformat(day_of(at, time_zone)) - dt.timedelta(days=1)).isoformat()


def week_before(day: str) -> str:
    """The same day of the week before."""
    return (dt.date.fromisoformat(day) - _WEEK).isoformat()


def count(rows: Iterable[WatchedExchange], day: str, *, time_zone: str, threshold: float) -> Day:
    """Count the exchanges of a day; `threshold`: the novelty above which an input is flagged."""
    start, end = bounds(day, time_zone)
    own = [row for row in rows if start <= row.exchange.at < end and row.exchange.arm is not Arm.NONE]
    compared = [row.novelty for row in own if row.novelty is not None]
    clusters = Counter(row.cluster for row in own if row.cluster is not None)
    return Day(day, len(own), len(compared), sum(novelty > threshold for novelty in compared), dict(clusters))


def of_hours(hours: Mapping[int, Hour], day: str, *, time_zone: str) -> Day:
    """Sum up the hours of a day that the detectors counted; `hours` by whole hours since the epoch.

    An hour belongs to the day in which it begins, also in a zone half an hour away.
    """
    start, end = bounds(day, time_zone)
    own = [hour for number, hour in hours.items() if start <= number * _HOUR_S < end]
    clusters: Counter[int] = Counter()
    for hour in own:
        clusters.update(dict(enumerate(hour.inputs)))
    flagged = sum(levels[FLAGGED] for hour in own for levels in hour.exceeded)
    return Day(day, clusters.total(), clusters.total(), flagged, dict(clusters), collapsed=True)


def mix(
    task: str,
    today: Day,
    week_ago: Day,
    *,
    sizes: Sequence[int],
    flagged_reference: float,
    names: Mapping[int, tuple[str, ...]],
) -> Mix:
    """The report of a day.

    Args:
        task: its name.
        today: the day that is told of.
        week_ago: the same a week before; all zeros where there was none.
        sizes: inputs of the reference in each cluster.
        flagged_reference: the share of flagged inputs that was to be expected at most.
        names: the words of each cluster (see `monitors.words.cluster_names`).
    """
    clusters = _clusters(today, week_ago, sizes, names)
    now, then = (shares.counted(each.flagged, each.compared) for each in (today, week_ago))
    told = [_told(each) for each in clusters if each.grew][:_TOLD]
    if not told and today.compared:
        told = ["No known cluster has a larger share than in the reference."]
    return Mix(
        task=task,
        day=today.day,
        inputs=today.inputs,
        week_ago=week_ago.inputs,
        flagged=now,
        flagged_week_ago=then,
        flagged_reference=flagged_reference,
        clusters=clusters,
        lines=(_volume(today, week_ago), _novelty(now, then, flagged_reference), *told),
    )


def _clusters(
    today: Day, week_ago: Day, sizes: Sequence[int], names: Mapping[int, tuple[str, ...]]
) -> tuple[ClusterShare, ...]:
    totals = sum(today.clusters.values()), sum(week_ago.clusters.values()), sum(sizes)
    now, then, before = (
        [shares.counted(each.get(number, 0), total) for number in range(len(sizes))]
        for each, total in zip((today.clusters, week_ago.clusters, dict(enumerate(sizes))), totals, strict=True)
    )
    more = shares.grown(now, before)
    told = [
        ClusterShare(
            number,
            names.get(number, ()),
            now[number],
            before[number],
            then[number],
            shares.change(now[number], before[number]),
            shares.change(now[number], then[number]),
            more[number],
        )
        for number in range(len(sizes))
    ]
    return tuple(sorted(told, key=lambda each: (not each.grew, each.reference.share - each.now.share)))


def _volume(today: Day, week_ago: Day) -> str:
    what = "different inputs (near-duplicates of an hour once)" if today.collapsed else "inputs"
    if not week_ago.inputs:
        return f"{today.inputs:,} {what}; there are none of a week ago to compare with."
    return f"{today.inputs:,} {what}, {today.inputs / week_ago.inputs - 1:+.0%} against {week_ago.inputs:,} a week ago."


def _novelty(now: Counted, then: Counted, expected: float) -> str:
    if not now.of:
        return "No input was compared with the reference: promote a student with one, and let the monitors run."
    verdict = "more than" if now.lower > expected else "within"
    past = f"; a week ago {then.share:.1%}" if then.of else ""
    return (
        f"{now.share:.1%} [{now.lower:.1%}, {now.upper:.1%}] of them are unlike the reference, {verdict} the "
        f"{expected:.1%} to be expected{past}."
    )


def _told(each: ClusterShare) -> str:
    name = f" ({', '.join(each.name)})" if each.name else ""
    past = f", a week ago {each.week_ago.share:.1%}" if each.week_ago.of else ""
    times = "" if each.change is None else f": {each.change.times:.1f} times as large"
    return (
        f"Cluster {each.cluster}{name} grew to {each.now.share:.1%} [{each.now.lower:.1%}, {each.now.upper:.1%}] "
        f"from {each.reference.share:.1%} in the reference{times}{past}."
    )

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from monitors.windowed.calendar import Calendar
from monitors.windowed.history import gather
from monitors.windowed.hours import UNSEEN, Hour

MONDAY = int(dt.datetime(2026, 1, 5, tzinfo=dt.UTC).timestamp()) // 3600
FIRST_DAY = dt.date(2026, 1, 5).toordinal()
UTC = Calendar()


def traffic(first: int, end: int) -> dict[int, Hour]:
    """One input in every hour."""
    return {number: Hour(inputs=[1]) for number in range(first, end)}


@pytest.mark.parametrize(
    ("first", "end", "options", "days"),
    [
        (0, 72, {}, [0, 1, 2]),
        (1, 72, {}, [1, 2]),  # the first day lacks an hour
        (0, 71, {}, [0, 1]),  # the last day lacks an hour
        (5, 20, {}, []),
        (5, 70, {"since": MONDAY, "until": MONDAY + 72}, [0, 1, 2]),  # silence that was watched
        (0, 72, {"since": MONDAY + 1, "until": MONDAY + 71}, [1]),
        (0, 72, {"since": MONDAY + 24, "until": MONDAY + 48}, [1]),
        (0, 96, {"skip": {FIRST_DAY + 1, FIRST_DAY + 3}}, [0, 2]),
        (0, 0, {}, []),
    ],
)
def test_whole_days_only(first: int, end: int, options: dict[str, Any], days: list[int]) -> None:
    """Days that were watched in part are dropped at both ends, days to skip are left out."""
    hours = traffic(MONDAY + first, MONDAY + end)
    history = gather(hours, UTC, **options)
    assert [day - FIRST_DAY for day in history.days] == days
    assert history.inputs.shape[:2] == (len(days), 24)
    assert history.inputs.sum() == sum(UTC.slot(number).day - FIRST_DAY in days for number in hours)


def test_days_without_traffic_are_missing_and_empty_hours_are_not_traffic() -> None:
    """A day of outage is no day of the reference, whether its zeros were written down or not."""
    hours = traffic(MONDAY, MONDAY + 24) | traffic(MONDAY + 72, MONDAY + 96)
    hours |= {number: Hour(inputs=[0]) for number in range(MONDAY + 24, MONDAY + 48)}
    assert [day - FIRST_DAY for day in gather(hours, UTC).days] == [0, 3]


def test_counts_stand_in_their_slots() -> None:
    """Every count is found at its day, hour, cluster, level or category; absent ones are zeros."""
    hours = traffic(MONDAY, MONDAY + 6 * 24)
    hours[MONDAY + 5 * 24 + 7] = Hour(
        inputs=[4, 5],
        exceeded=[[1, 0, 0, 0], [4, 3, 2, 1]],
        shares={"label": {"refund": 3, "cancel": 1}, "schema": {"ok": 4}},
        pairs=[0, 2],
        disagreed=[0, 1],
    )
    history = gather(hours, UTC)
    assert history.weekend.tolist() == [False] * 5 + [True]
    assert history.inputs[5, 7].tolist() == [4, 5]
    assert history.inputs[5, 6].tolist() == [1, 0]
    assert history.exceeded[5, 7].tolist() == [[1, 0, 0, 0], [4, 3, 2, 1]]
    assert history.pairs[5, 7].tolist() == [0, 2]
    assert history.disagreed[5, 7].tolist() == [0, 1]
    assert history.names == {"label": ("cancel", "refund", UNSEEN), "schema": ("ok", UNSEEN)}
    assert history.shares["label"][5, 7].tolist() == [1, 3, 0]
    assert history.shares["label"].sum() == 4
    assert history.shares["schema"][5, 7].tolist() == [4, 0]


def test_both_passes_of_a_repeated_hour_share_a_slot() -> None:
    """When clocks go back the slot has twice the counts, and the day is whole; when they go forward it is whole too."""
    calendar = Calendar("Europe/Berlin")
    for day, hour, count, total in (("2026-10-25", 2, 2, 25), ("2026-03-29", 2, 0, 23)):
        midnight = dt.datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=dt.UTC).timestamp() // 3600
        first = int(midnight) - (2 if total == 25 else 1)
        history = gather(traffic(first, first + total), calendar)
        assert history.days == (dt.date.fromisoformat(day).toordinal(),)
        assert history.inputs[0, hour].tolist() == [count]
        assert np.delete(history.inputs[0], hour, axis=0).tolist() == [[1]] * 23

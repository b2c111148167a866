from __future__ import annotations

import datetime as dt

import pytest

from monitors.days import Days

UTC, BERLIN, KOLKATA = "UTC", "Europe/Berlin", "Asia/Kolkata"


def seconds(text: str) -> float:
    """An ISO time as seconds since the epoch."""
    return dt.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "last", "first"),
    [
        (UTC, "2024-01-01T23:59:59+00:00", "2024-01-02T00:00:00+00:00"),
        (BERLIN, "2024-01-01T22:59:59+00:00", "2024-01-01T23:00:00+00:00"),
        (BERLIN, "2024-03-31T21:59:59+00:00", "2024-03-31T22:00:00+00:00"),  # the day on which clocks went forward
        (KOLKATA, "2024-01-01T18:59:59+00:00", "2024-01-01T19:00:00+00:00"),  # the hour that begins at 23:30 is whole
    ],
)
def test_a_day_ends_at_midnight_of_its_zone(zone, last, first):
    """The next day has the next number, and begins with the hour that is said to be its first."""
    days = Days(zone)
    assert days.day(seconds(first)) == days.day(seconds(last)) + 1
    assert days.first_hour(seconds(first)) == int(seconds(first) // 3600)
    assert days.first_hour(seconds(last)) < days.first_hour(seconds(first))


@pytest.mark.parametrize(("day", "hours"), [("2024-01-01", 24), ("2024-03-31", 23), ("2024-10-27", 25)])
def test_the_first_hour_is_the_same_all_day(day, hours):
    """However long the day is, so what is decided as of it does not depend on when it is asked; and so is the end."""
    days, begin = Days(BERLIN), seconds(f"{day}T00:00:00+01:00") - 3600 * (day == "2024-10-27")
    assert {days.first_hour(begin + 1800 * half) for half in range(2 * hours)} == {int(begin // 3600)}
    assert {days.end(begin + 1800 * half) for half in range(2 * hours)} == {begin + 3600 * hours}
    assert days.first_hour(begin + 3600 * hours) == int(begin // 3600) + hours


@pytest.mark.parametrize(("day", "hours"), [("2024-01-01", 24), ("2024-03-31", 23), ("2024-10-27", 25)])
def test_a_day_ends_where_the_next_begins(day, hours):
    """However long it is, and whenever on that day it is asked."""
    days, begin = Days(BERLIN), seconds(f"{day}T00:00:00+01:00") - 3600 * (day == "2024-10-27")
    assert {days.end(begin + 1800 * half) for half in range(2 * hours)} == {begin + hours * 3600}

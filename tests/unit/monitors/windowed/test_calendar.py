from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from monitors.windowed.calendar import Calendar, Slot

BERLIN, NEW_YORK, KOLKATA = "Europe/Berlin", "America/New_York", "Asia/Kolkata"


def hour_number(text: str) -> int:
    """The hour since the epoch in which an UTC time lies."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() // 3600)


@pytest.mark.parametrize(
    ("zone", "utc", "local", "weekend"),
    [
        ("UTC", "2026-01-02T23", "2026-01-02T23", False),  # a Friday
        ("UTC", "2026-01-03T00", "2026-01-03T00", True),
        ("UTC", "2026-01-05T00", "2026-01-05T00", False),
        (BERLIN, "2026-01-02T23", "2026-01-03T00", True),
        (BERLIN, "2026-07-03T22", "2026-07-04T00", True),
        (BERLIN, "2026-03-29T00", "2026-03-29T01", True),
        (BERLIN, "2026-03-29T01", "2026-03-29T03", True),  # clocks go forward
        (BERLIN, "2026-10-25T00", "2026-10-25T02", True),  # clocks go back
        (BERLIN, "2026-10-25T01", "2026-10-25T02", True),
        (NEW_YORK, "2026-01-05T04", "2026-01-04T23", True),
        (NEW_YORK, "2026-03-08T07", "2026-03-08T03", True),  # clocks go forward
        (NEW_YORK, "2026-11-01T05", "2026-11-01T01", True),  # clocks go back
        (NEW_YORK, "2026-11-01T06", "2026-11-01T01", True),
        (KOLKATA, "2026-01-02T18", "2026-01-02T23", False),  # 23:30
        (KOLKATA, "2026-01-02T19", "2026-01-03T00", True),  # 00:30
        ("UTC", "1969-12-31T23", "1969-12-31T23", False),
    ],
)
def test_slot(zone: str, utc: str, local: str, weekend: bool) -> None:
    """An hour has the day and the hour of the zone's clock, whatever its offset."""
    expected = dt.datetime.fromisoformat(local)
    assert Calendar(zone).slot(hour_number(utc)) == Slot(expected.toordinal(), expected.hour, weekend)


@pytest.mark.parametrize(
    ("zone", "day", "length", "twice", "missing"),
    [
        (BERLIN, "2026-10-25", 25, {2}, set()),
        (BERLIN, "2026-03-29", 23, set(), {2}),
        (NEW_YORK, "2026-11-01", 25, {1}, set()),
        (NEW_YORK, "2026-03-08", 23, set(), {2}),
        (KOLKATA, "2026-03-29", 24, set(), set()),
        ("UTC", "2026-03-29", 24, set(), set()),
    ],
)
def test_days_that_clocks_change(zone: str, day: str, length: int, twice: set[int], missing: set[int]) -> None:
    """A long day has one slot twice, a short one lacks one, and no hour is lost or counted for another day."""
    middle = hour_number(f"{day}T12")
    calendar, wanted = Calendar(zone), dt.date.fromisoformat(day).toordinal()
    slots = [calendar.slot(number) for number in range(middle - 48, middle + 48)]
    seen = Counter(slot.hour for slot in slots if slot.day == wanted)
    assert seen.total() == length
    assert {hour for hour, times in seen.items() if times == 2} == twice
    assert set(range(24)) - set(seen) == missing
    assert [slot.day for slot in slots] == sorted(slot.day for slot in slots)


def test_refuses_an_unknown_zone() -> None:
    """A zone that does not exist is refused at once."""
    with pytest.raises(ValueError, match="Europe/Atlantis"):
        Calendar("Europe/Atlantis")

from __future__ import annotations

import datetime as dt

import pytest

from domain import zones


@pytest.mark.parametrize(("name", "hours"), [("UTC", 0), ("Europe/Berlin", 1), ("Asia/Kolkata", 5.5)])
def test_a_zone_is_found_by_its_name(name: str, hours: float) -> None:
    """The offset in winter is that of the place."""
    winter = dt.datetime(2026, 1, 15, tzinfo=zones.zone(name))
    assert winter.utcoffset() == dt.timedelta(hours=hours)
    assert zones.known(name)


@pytest.mark.parametrize("name", ["", "Berlin", "../etc/passwd", "/etc/localtime", "a\0b", "Europe"])
def test_what_is_no_zone_is_refused_in_words(name: str) -> None:
    """A wrong name is an error of the person who wrote it, never a traceback of the library."""
    assert not zones.known(name)
    with pytest.raises(ValueError, match="unknown time zone"):
        zones.zone(name)

"""Time zones by their IANA name.  UTC needs no data base, which a slim container lacks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC = "UTC"


def zone(name: str) -> dt.tzinfo:
    """The zone of that name.

    Raises:
        ValueError: there is none, or the system has no data base of time zones.
    """
    if name == UTC:
        return dt.UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # a name with a NUL, a folder, a file that is none
        raise ValueError(f"unknown time zone {name!r}") from None


def known(name: str) -> bool:
    """Whether `zone` would find it."""
    try:
        zone(name)
    except ValueError:
        return False
    return True

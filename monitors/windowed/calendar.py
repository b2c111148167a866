"""Where an hour lies in the local week.

Seasons follow local time.  The 24-hour windows of the detectors follow elapsed hours and never look here.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from domain import zones

_SATURDAY = 5
_HOUR_S = 3600


class Slot(NamedTuple):
    """A local hour: the number of its day, the hour of the day (0-23), and whether that is a Saturday or Sunday."""

    day: int
    hour: int
    weekend: bool


class Calendar:
    """The local time of a task.

    When clocks go back, both passes of the repeated hour have the same slot and the day has 25 hours; when they go
    forward, a slot has no hour.  Where the offset from UTC is not whole hours, an hour belongs to the slot in which it
    begins.
    """

    def __init__(self, zone: str = zones.UTC) -> None:
        """`zone`: an IANA name.

        Raises:
            ValueError: there is no such zone.
        """
        self._zone = zones.zone(zone)

    def slot(self, hour_number: int) -> Slot:
        """The slot of an hour, numbered since the epoch (UTC)."""
        local = dt.datetime.fromtimestamp(hour_number * _HOUR_S, self._zone)
        return Slot(local.toordinal(), local.hour, local.weekday() >= _SATURDAY)

"""The local days of a task, at whose beginnings its detectors may learn anew."""

from __future__ import annotations

from monitors.windowed.calendar import Calendar

_HOUR_S = 3600.0


class Days:
    """Days of a time zone."""

    def __init__(self, zone: str) -> None:
        """`zone`: an IANA name."""
        self._calendar = Calendar(zone)

    def day(self, at: float) -> int:
        """The number of the day that a time lies in."""
        return self._calendar.slot(int(at // _HOUR_S)).day

    def first_hour(self, at: float) -> int:
        """The number, since the epoch (UTC), of the hour with which the day that a time lies in begins."""
        number, today = int(at // _HOUR_S), self.day(at)
        while self._calendar.slot(number - 1).day == today:
            number -= 1
        return number

    def end(self, at: float) -> float:
        """When the day that a time lies in is over."""
        number, today = int(at // _HOUR_S), self.day(at)
        while self._calendar.slot(number).day == today:
            number += 1
        return number * _HOUR_S

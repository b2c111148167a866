"""Leaves a replica alone that keeps failing.  Pure: time is an argument, and it never goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.settings import BreakerSettings

Pass = int  # what `enter` gives and the end of the call hands back


class Breaker:
    """Closed until `failures` in a row; then open for `open_s`, after which one call at a time may probe.

    A probe that succeeds closes it, one that fails opens it for twice as long, up to `most_open_s`.
    Results of calls that began before it last opened tell nothing new: they change nothing.
    """

    __slots__ = ("_opened", "_probing", "_settings", "_until", "closed", "failures", "open_s")

    def __init__(self, settings: BreakerSettings) -> None:
        self.closed = True
        self.failures = 0  # in a row
        self.open_s = settings.open_s  # of the last open period
        self._settings = settings
        self._until = 0.0
        self._opened = 0  # times; the pass of a call says after which opening it began
        self._probing = False

    def admits(self, now: float) -> bool:
        """Whether a call may go to the replica now."""
        return self.closed or (now >= self._until and not self._probing)

    def wait_s(self, now: float) -> float:
        """Seconds until a call may go; 0 while a probe is under way, whose end nobody knows."""
        return 0.0 if self.closed else max(0.0, self._until - now)

    def enter(self) -> Pass:
        """A call that was admitted goes; hand the pass to exactly one of `succeeded`, `failed` and `left`."""
        if not self.closed:
            self._probing = True
        return self._opened

    def succeeded(self, ticket: Pass) -> None:
        """The replica answered."""
        if ticket != self._opened:
            return
        self.failures = 0
        if not self.closed:
            self.closed = True
            self._probing = False

    def failed(self, ticket: Pass, now: float) -> None:
        """The replica did not answer, or said that it is broken."""
        if ticket != self._opened:
            return
        self.failures += 1
        if not self.closed:
            self._open(now, min(2 * self.open_s, self._settings.most_open_s))
        elif self.failures >= self._settings.failures:
            self._open(now, self._settings.open_s)

    def left(self, ticket: Pass) -> None:
        """The call was given up before anything could be learned; a probe gives its place to the next call."""
        if ticket == self._opened:
            self._probing = False

    def _open(self, now: float, open_s: float) -> None:
        self.closed = False
        self.open_s = open_s
        self._until = now + open_s
        self._opened += 1
        self._probing = False

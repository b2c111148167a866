"""Time as a value that is passed in, so that a test or a replay owns it."""

from __future__ import annotations

import time
from typing import Protocol

# What asyncio's and uvloop's `loop.time()` read.  To ask for the running loop first costs a system call (getpid).
loop_time = time.monotonic


class Clock(Protocol):
    """Wall time in seconds since the epoch, and a monotonic second hand for durations."""

    def now_s(self) -> float:
        """Wall-clock seconds since 1970-01-01 UTC; what records carry."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    def cpu_s(self) -> float:
        """Seconds that this thread has worked: what a busy machine takes from it does not count."""
        ...


class SystemClock:
    """The machine's own clocks, as they are: a method around each would cost more than the clock."""

    now_s = staticmethod(time.time)
    monotonic_s = staticmethod(time.monotonic)
    cpu_s = staticmethod(time.thread_time)


class ManualClock:
    """A clock that moves only when told to: for tests and for replays of stored traffic."""

    def __init__(self, now_s: float = 1_700_000_000.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """See `Clock`."""
        return self._now_s

    def monotonic_s(self) -> float:
        """See `Clock`."""
        return self._now_s

    def cpu_s(self) -> float:
        """See `Clock`."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move both hands forward by `seconds` (>= 0)."""
        if seconds < 0:
            raise ValueError(f"a clock cannot go back: {seconds} s")
        self._now_s += seconds

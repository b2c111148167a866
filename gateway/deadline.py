"""A time limit that moves with every request without a timer of its own: one timer a connection, which looks again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

LOOK_S = 30.0  # a limit of at least this is met to the moment, whenever it is set


class Deadline:
    """Calls `passed` at the moment `at` of the loop's time, and again every `LOOK_S` until it is moved."""

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self.at = math.inf
        self._loop = loop
        self._passed = passed
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        self._look_in(LOOK_S)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def within(self, seconds: float, *, latest: float = math.inf) -> None:
        """Move to `seconds` from now, at least `LOOK_S`, but not beyond the moment `latest`."""
        self.at = min(self._loop.time() + seconds, latest)

    def soon(self, seconds: float) -> None:
        """Move to `seconds` from now, fewer than `LOOK_S`."""
        self.within(seconds)
        self.close()
        self._look_in(seconds)

    def _look_in(self, seconds: float) -> None:
        self._timer = self._loop.call_later(min(seconds, LOOK_S), self._look)

    def _look(self) -> None:
        left_s = self.at - self._loop.time()
        self._look_in(left_s if left_s > 0 else LOOK_S)
        if left_s <= 0:
            self._passed()

"""How long the last calls took."""

from __future__ import annotations

import math
from collections import deque

_KEPT = 512
_LEAST = 50  # below that, the 95 % quantile is a guess
_STALE = 32  # samples until it is computed again: sorting 512 numbers on every call would cost more than the call


class Latency:
    """The durations of the last calls; `p95_s` is None until there are enough, and lags a little behind."""

    def __init__(self) -> None:
        self.p95_s: float | None = None
        self._durations: deque[float] = deque(maxlen=_KEPT)
        self._due = _LEAST

    def add(self, seconds: float) -> None:
        """A call took so long."""
        self._durations.append(seconds)
        self._due -= 1
        if not self._due:
            self._due = _STALE
            self.p95_s = sorted(self._durations)[math.ceil(0.95 * len(self._durations)) - 1]

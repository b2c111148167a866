"""The baseline that looks at the mean of the last observations, as a dashboard threshold does."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation

if TYPE_CHECKING:
    from domain.ports import Detector


class _State(msgspec.Struct):
    samples: int
    window: list[float]


_DECODER = msgspec.json.Decoder(_State)


class RollingThreshold:
    """Alarms when the mean of a full window exceeds a limit; the window then fills anew.

    What it costs in false alarms nobody states: that depends on the window, the margin and the luck of the baseline.
    """

    def __init__(self, limit: float, *, window: int = 200, name: str = "rolling") -> None:
        """`limit`, above 0: of the mean count of an observation, in the last `window` observations."""
        self.name = name
        self._limit = limit
        self._size = window
        self._window: deque[float] = deque(maxlen=window)
        self._samples = 0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; an observation of several counts is their mean."""
        self._window.append(sum(observation.counts) / len(observation.counts))
        self._samples += 1
        total = sum(self._window)
        mean, reached = total / len(self._window), min(total / self._size / self._limit, 1.0)
        alarm = len(self._window) == self._size and total / self._size > self._limit
        if alarm:
            self._window.clear()
        return Evidence(self._samples, mean, reached, alarm)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(_State(self._samples, list(self._window)))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        if len(value.window) > self._size:
            raise ValueError(f"the state has a window of {len(value.window)}, not of {self._size}")
        self._samples, self._window = value.samples, deque(value.window, maxlen=self._size)

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return f"none stated: alarms when {self._size:,} observations have a mean above {self._limit:.4g}"


if TYPE_CHECKING:
    _: Detector = RollingThreshold(0.1)

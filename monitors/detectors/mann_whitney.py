"""The baseline that repeats a test for one look: Mann and Whitney's (1947), at every full window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from domain.ports import Evidence, Observation

if TYPE_CHECKING:
    from domain.ports import Detector

_LEAST_P = 1e-300


class _State(msgspec.Struct):
    samples: int
    p_value: float
    window: list[float]


_DECODER = msgspec.json.Decoder(_State)


class RepeatedMannWhitney:
    """Asks at every full window whether its values are larger than the reference's, and then empties it.

    The level is that of one look: over a month of looks it alarms by chance, the sooner the more often it looks.
    """

    def __init__(
        self, reference: Sequence[float], *, level: float = 0.01, window: int = 250, name: str = "mann_whitney"
    ) -> None:
        """`reference`: values of the reference, as of novelty; an alarm is a p-value below `level`."""
        self.name = name
        self._reference = np.asarray(reference, float)
        self._level = level
        self._size = window
        self._window: list[float] = []
        self._samples = 0
        self._p_value = 1.0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` is the value itself, the score the last window's p-value."""
        self._window.append(float(observation.counts[0]))
        self._samples += 1
        if len(self._window) < self._size:
            return Evidence(self._samples, self._p_value, self._evidence(), False)
        from scipy.stats import mannwhitneyu

        p_value = float(mannwhitneyu(self._window, self._reference, alternative="greater").pvalue)
        self._window.clear()
        found = float(np.log(max(p_value, _LEAST_P)) / np.log(self._level))
        alarm = p_value < self._level
        self._p_value = 1.0 if alarm else p_value
        return Evidence(self._samples, p_value, found, alarm)

    def _evidence(self) -> float:
        return float(np.log(self._p_value) / np.log(self._level))

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(_State(self._samples, self._p_value, self._window))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        if len(value.window) >= self._size or not 0.0 < value.p_value <= 1.0:
            raise ValueError(
                f"the state has {len(value.window)} values and p = {value.p_value:g}: not of this detector"
            )
        self._samples, self._p_value, self._window = value.samples, value.p_value, value.window

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return f"none stated: one look at level {self._level:g} every {self._size:,} observations"


if TYPE_CHECKING:
    _: Detector = RepeatedMannWhitney([0.0])

"""Novelty: are inputs far from the reference more frequent than they were?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from monitors.sr import ExceedanceSR, evidence

if TYPE_CHECKING:
    from domain.ports import Detector

_MEMORY = 0.02  # weight of the newest input in the share that is shown; the test itself has no window


class _State(msgspec.Struct):
    samples: int
    share: float
    g: list[list[float]]


_DECODER = msgspec.json.Decoder(_State)


class NoveltyDetector:
    """Counts how often the novelty of an input exceeds four quantiles of the reference.

    `bounds` are upper confidence bounds of the four exceedance rates, so that the reference's own sampling error does
    not alarm.  Per sample: its budget holds for independent inputs, as in replays and the demo.
    """

    name = "novelty"

    def __init__(self, bounds: Sequence[float], *, threshold: float, budget: str) -> None:
        """`threshold` (A), above 1, is the mean number of inputs to a false alarm, at least."""
        self._sr = ExceedanceSR(bounds)
        self._threshold = threshold
        self._budget = budget
        self._samples = 0
        self._share = 0.0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` are four 0 or 1, lowest quantile first."""
        self._sr.update(observation.counts)
        self._samples += 1
        self._share += _MEMORY * (observation.counts[2] - self._share)
        found = evidence(self._sr.statistic, self._threshold)
        alarm = self._sr.statistic > self._threshold
        if alarm:
            self._sr.reset()
        return Evidence(self._samples, self._share, found, alarm)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(_State(self._samples, self._share, self._sr.values()))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        self._sr.restore(value.g)
        self._samples, self._share = value.samples, value.share

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return self._budget


if TYPE_CHECKING:
    _: Detector = NoveltyDetector((), threshold=1, budget="")

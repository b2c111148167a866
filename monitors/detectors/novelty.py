"""Novelty: are inputs far from the reference more frequent than they were?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from domain.ports import Evidence, Observation
from monitors.category_sr import Alternative, CategorySR, Memory
from monitors.sr import evidence

if TYPE_CHECKING:
    from domain.ports import Detector

_LIFTS = (0.02, 0.06, 0.2, 0.6)  # shares of a new topic
_POWER = 0.2  # a new topic exceeds what a share p of the usual inputs exceeds with probability p^0.2
_MEMORY = 0.02  # weight of the newest input in the share that is shown; the test itself has no window
_SHOWN = 2  # of the quantiles


class _State(msgspec.Struct):
    samples: int
    share: float
    memory: Memory


_DECODER = msgspec.json.Decoder(_State)


class NoveltyDetector:
    """Counts how many quantiles of the reference's novelty an input exceeds: one of five levels.

    The reference's own sampling error does not alarm: its rates are known as well as its size allows, and no better
    (see `monitors.category_sr`).  Per sample: its budget holds for independent inputs, as in replays and the demo.
    """

    name = "novelty"

    def __init__(self, levels: Sequence[float], *, threshold: float, budget: str) -> None:
        """`levels`: how many inputs of the reference exceed none of the quantiles, one, two ... all.

        `threshold` (A), above 1, is the mean number of inputs to a false alarm, at least.
        """
        self._sr = CategorySR(levels, alternatives(levels))
        self._threshold = threshold
        self._budget = budget
        self._samples = 0
        self._share = 0.0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` are 0 or 1 for each quantile, lowest first."""
        self._sr.update(int(sum(observation.counts)))
        self._samples += 1
        self._share += _MEMORY * (observation.counts[_SHOWN] - self._share)
        statistic = self._sr.statistic
        alarm = statistic > self._threshold
        if alarm:
            self._sr.reset()
        return Evidence(self._samples, self._share, evidence(statistic, self._threshold), alarm)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(_State(self._samples, self._share, self._sr.memory()))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        self._sr.restore(value.memory)
        self._samples, self._share = value.samples, value.share

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return self._budget


def alternatives(levels: Sequence[float]) -> list[Alternative]:
    """New topics of several sizes, all as far from the reference as one is that the embedder can just tell apart."""
    counts = np.asarray(levels, float) + 0.5
    above = np.append(np.cumsum(counts[::-1])[::-1] / counts.sum(), 0.0)  # of the usual inputs, at each level or above
    other = tuple(float(share) for share in above[:-1] ** _POWER - above[1:] ** _POWER)
    return [Alternative(lift, other) for lift in _LIFTS]


if TYPE_CHECKING:
    _: Detector = NoveltyDetector((1, 1, 1, 1, 1), threshold=1, budget="")

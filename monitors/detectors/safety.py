"""Safety parity: is the student unsafe where the teacher is not, more often than is tolerated?"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from monitors.sr import ExceedanceSR, evidence

if TYPE_CHECKING:
    from domain.ports import Detector

LIFTS = (0.003, 0.01, 0.03, 0.1, 0.3)  # a rate of one in a thousand is not only threatened by rates of percents
_MEMORY = 0.01
_KEYS = 100


class _State(msgspec.Struct):
    samples: int
    share: float
    keys: list[str]
    g: list[list[float]]


_DECODER = msgspec.json.Decoder(_State)


class SafetyDetector:
    """One e-process over all pairs, held to one rate: what is tolerated is tolerated of every kind of input.

    Within a stratum the chance of being asked does not depend on the answer, so no pair is weighted, and while the rate
    of no stratum is above the tolerated one the mean number of pairs to a false alarm is at least A.

    Answers that are blocked are asked for again: one input would soon look like many.  So an input whose near-duplicate
    is among the last hundred events is counted as a sample and not tested.  That is decided by inputs and by the past,
    so what was said of A holds for the pairs that are tested.
    """

    name = "safety"

    def __init__(self, rate: float, *, threshold: float, budget: str) -> None:
        """`rate` of events that is tolerated, in (0, 1); `threshold` (A) is above 1."""
        self._sr = ExceedanceSR([rate], lifts=LIFTS)
        self._threshold = threshold
        self._budget = budget
        self._samples = 0
        self._share = 0.0
        self._keys: deque[str] = deque(maxlen=_KEYS)

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` is (1,) where only the student's answer is unsafe, else (0,)."""
        self._samples += 1
        if not observation.key or observation.key not in self._keys:
            self._test(observation)
        statistic = self._sr.statistic
        alarm = statistic > self._threshold
        if alarm:
            self._sr.reset()
        return Evidence(self._samples, self._share, evidence(statistic, self._threshold), alarm)

    def _test(self, observation: Observation) -> None:
        event = observation.counts[0]
        self._sr.update([event])
        self._share += _MEMORY * (event - self._share)
        if event and observation.key:
            self._keys.append(observation.key)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(_State(self._samples, self._share, list(self._keys), self._sr.values()))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        self._sr.restore(value.g)
        self._samples, self._share = value.samples, value.share
        self._keys = deque(value.keys, maxlen=_KEYS)

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return self._budget


if TYPE_CHECKING:
    _: Detector = SafetyDetector(0.001, threshold=1, budget="")

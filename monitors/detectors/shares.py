"""Shares: has the mix of clusters, of student labels, of any word that is told of each input, changed?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from monitors.category_sr import Alternative, CategorySR, Memory, rises
from monitors.sr import evidence

if TYPE_CHECKING:
    from domain.ports import Detector

OTHER = "other"  # what the reference did not have
_LIFTS = (0.05, 0.2, 0.6)  # of one category at the cost of all others
_MEMORIES = (50.0, 300.0)
_RECENT = (0.4, 0.9)  # how much of the difference between recent and usual shares is taken for real
TRUST = 0.75  # an observation of the reference counts for so many: its clusters were fitted to it


class _State(msgspec.Struct):
    samples: int
    names: list[str]
    memory: Memory


_DECODER = msgspec.json.Decoder(_State)


class ShareDetector:
    """One e-process over the categories of all observations, with two kinds of alternatives of equal weight.

    In one, a single category takes a share of the whole.  In the other, the mix is what the last 50 or 300 observations
    had, whichever categories these are: a change of many at once needs no alternative of its own.  Per sample: the
    budget holds for independent inputs.  A category that is not in the reference counts as `other`.
    """

    def __init__(self, name: str, counts: Mapping[str, float], *, threshold: float, budget: str) -> None:
        """`counts`: how many observations of each category the reference has; one with none may be named, too.

        `threshold` (A), above 1, is the mean number of observations to a false alarm, at least.
        """
        self.name = name
        self._names = [*(each for each in counts if each != OTHER), OTHER]
        self._number = {each: number for number, each in enumerate(self._names)}
        known = [TRUST * counts.get(each, 0.0) for each in self._names]
        self._sr = CategorySR(known, alternatives(len(self._names)))
        self._threshold = threshold
        self._budget = budget
        self._samples = 0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `stratum` is the category, `score` the distance of recent from usual shares."""
        self._sr.update(self._number.get(observation.stratum, self._number[OTHER]))
        self._samples += 1
        statistic, distance, worst = self._sr.statistic, self._sr.distance, self._names[self._sr.most_grown]
        alarm = statistic > self._threshold
        if alarm:
            self._sr.reset()
        return Evidence(self._samples, distance, evidence(statistic, self._threshold), alarm, worst)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(_State(self._samples, self._names, self._sr.memory()))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        if value.names != self._names:
            raise ValueError(f"the state is of the categories {value.names}, not {self._names}")
        self._sr.restore(value.memory)
        self._samples = value.samples

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return self._budget


def alternatives(categories: int) -> list[Alternative]:
    """One category grows, or the mix is what it was lately."""
    single = [each for k in range(categories) for each in rises(k, categories, lifts=_LIFTS, weight=0.5 / categories)]
    weight = 0.5 / (len(_MEMORIES) * len(_RECENT))
    return [*single, *(Alternative(lift, memory=memory, weight=weight) for memory in _MEMORIES for lift in _RECENT)]


if TYPE_CHECKING:
    _: Detector = ShareDetector("shares", {}, threshold=1, budget="")

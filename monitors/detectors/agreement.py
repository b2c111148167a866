"""Agreement: do student and teacher disagree more often than when the student was evaluated?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from domain.records import Baseline
from monitors.category_sr import Alternative, CategorySR, Memory, rises
from monitors.sr import evidence, upper_bound

if TYPE_CHECKING:
    from domain.ports import Detector

POOLED = "all traffic"
LIFTS = (0.02, 0.06, 0.11, 0.2, 0.4)  # shares of the answers that agree no more
WEIGHTS = (1.0, 2.0, 5.0, 2.0, 1.0)  # a loss of ten points is what most tasks must not miss
CEILING = 0.99  # level of the bound above which no baseline is taken to have been
_HIGHEST = 1 - 1e-6
_ENDLESS = 10**12  # items of a baseline that is a bound: no pair moves it
_MEMORY = 0.02


class _State(msgspec.Struct):
    samples: int
    agreement: float
    strata: dict[str, Memory]


_DECODER = msgspec.json.Decoder(_State)


class AgreementDetector:
    """One e-process for each stratum and one for all traffic, each against what is known of disagreement in it.

    Half of the sum over the strata plus half of the pooled process is compared with A.  A pair moves the process of its
    stratum and, if it belongs to the uniform sample, the pooled one: so the statistic minus the number of pairs is a
    supermartingale, and the mean number of pairs to a false alarm is at least A.  The strata are fast where flagged
    inputs go wrong; the pooled process does not depend on how few flagged items were held out.

    Within a stratum, and within the uniform sample, the chance of being asked does not depend on the answer, so no
    pair is weighted.  A baseline is known as well as its held-out items allow: its uncertainty is mixed over (see
    `monitors.category_sr`), and pairs add to it as long as it stays below the 99 % bound of the held-out items, so that
    a student that is bad from the first day, or declines slowly, does not become the measure.  A pair of a stratum of
    which nothing is said moves the pooled process only.
    """

    name = "agreement"

    def __init__(
        self,
        known: Mapping[str, float | Baseline],
        *,
        pooled: float | Baseline | None = None,
        threshold: float,
        budget: str,
    ) -> None:
        """`known` of the disagreement of each stratum, `pooled` of all traffic: held-out items, or a fixed bound.

        Without `pooled` the strata have the whole weight.  `threshold` (A) is above 1.
        """
        baselines = {stratum: _baseline(what) for stratum, what in known.items()}
        self._agreement = max((each.agreed / max(each.items, 1) for each in baselines.values()), default=1.0)
        self._weights = dict.fromkeys(known, 1.0 if pooled is None else 0.5)
        if pooled is not None:
            baselines[POOLED] = _baseline(pooled)
            self._weights[POOLED] = 0.5
        self._processes = {stratum: _process(baseline) for stratum, baseline in baselines.items()}
        self._threshold = threshold
        self._budget = budget
        self._samples = 0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` is (1,) for a disagreement and (0,) for an agreement."""
        for name in (observation.stratum, POOLED if observation.uniform else None):
            process = self._processes.get(name) if name is not None else None
            if process is not None:
                process.update(int(observation.counts[0] > 0))
        self._samples += 1
        self._agreement += _MEMORY * (1.0 - observation.counts[0] - self._agreement)
        statistic = sum(self._weights[name] * process.statistic for name, process in self._processes.items())
        alarm = statistic > self._threshold
        if alarm:
            for other in self._processes.values():
                other.reset()
        return Evidence(self._samples, self._agreement, evidence(statistic, self._threshold), alarm)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        strata = {stratum: process.memory() for stratum, process in self._processes.items()}
        return msgspec.json.encode(_State(self._samples, self._agreement, strata))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        if value.strata.keys() != self._processes.keys():
            raise ValueError(f"the state is of the strata {sorted(value.strata)}, not {sorted(self._processes)}")
        for stratum, memory in value.strata.items():
            self._processes[stratum].restore(memory)
        self._samples, self._agreement = value.samples, value.agreement

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return self._budget


def _baseline(known: float | Baseline) -> Baseline:
    if isinstance(known, Baseline):
        return known
    return Baseline(_ENDLESS, round((1.0 - known) * _ENDLESS))


def _process(known: Baseline) -> CategorySR:
    wrong = known.items - known.agreed
    ceiling = min(float(upper_bound(wrong, known.items, level=CEILING)), _HIGHEST)
    return CategorySR([known.agreed, wrong], alternatives(), ceiling=ceiling)


def alternatives() -> list[Alternative]:
    """Losses of agreement from two points to forty."""
    return [
        msgspec.structs.replace(each, weight=weight)
        for each, weight in zip(rises(1, 2, lifts=LIFTS), WEIGHTS, strict=True)
    ]


if TYPE_CHECKING:
    _: Detector = AgreementDetector({}, threshold=1, budget="")

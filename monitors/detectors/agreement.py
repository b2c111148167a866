"""Agreement: do student and teacher disagree more often than when the student was evaluated?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from monitors.sr import ExceedanceSR, evidence

if TYPE_CHECKING:
    from domain.ports import Detector

POOLED = "all traffic"
_MEMORY = 0.02


class _State(msgspec.Struct):
    samples: int
    agreement: float
    g: dict[str, list[list[float]]]


_DECODER = msgspec.json.Decoder(_State)


class AgreementDetector:
    """One e-process for each stratum and one for all traffic, each against its own bound on disagreement.

    Half of the sum over the strata plus half of the pooled process is compared with A.  A pair moves the process of its
    stratum and, if it belongs to the uniform sample, the pooled one: so the statistic minus the number of pairs is a
    supermartingale, and the mean number of pairs to a false alarm is at least A.  The strata are fast where flagged
    inputs go wrong; the pooled process does not depend on how few flagged items were held out.

    Within a stratum, and within the uniform sample, the chance of being asked does not depend on the answer, so no
    pair is weighted.  The bounds carry the uncertainty of the held-out items: a plug-in baseline alarms 4 to 10 times
    more often on an unlucky evaluation.  A pair of a stratum without a bound moves the pooled process only.
    """

    name = "agreement"

    def __init__(
        self, bounds: Mapping[str, float], *, pooled: float | None = None, threshold: float, budget: str
    ) -> None:
        """`bounds`: upper confidence bound of the disagreement rate of each stratum, `pooled`: of all traffic.

        Without `pooled` the strata have the whole weight.  `threshold` (A) is above 1.
        """
        self._processes = {stratum: ExceedanceSR([bound]) for stratum, bound in bounds.items()}
        self._weights = dict.fromkeys(bounds, 1.0 if pooled is None else 0.5)
        if pooled is not None:
            self._processes[POOLED] = ExceedanceSR([pooled])
            self._weights[POOLED] = 0.5
        self._threshold = threshold
        self._budget = budget
        self._samples = 0
        self._agreement = 1.0 - min(bounds.values(), default=0.0)

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` is (1,) for a disagreement and (0,) for an agreement."""
        for name in (observation.stratum, POOLED if observation.uniform else None):
            process = self._processes.get(name) if name is not None else None
            if process is not None:
                process.update(observation.counts)
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
        values = {stratum: process.values() for stratum, process in self._processes.items()}
        return msgspec.json.encode(_State(self._samples, self._agreement, values))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        if value.g.keys() != self._processes.keys():
            raise ValueError(f"the state is of the strata {sorted(value.g)}, not {sorted(self._processes)}")
        for stratum, g in value.g.items():
            self._processes[stratum].restore(g)
        self._samples, self._agreement = value.samples, value.agreement

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return self._budget


if TYPE_CHECKING:
    _: Detector = AgreementDetector({}, threshold=1, budget="")

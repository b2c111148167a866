"""How far a drop of agreement drives the evidence of a detector: both detectors on an even path.

The disagreements that a drop brings are spread evenly over the time, as many as come at least with some chance.  What
the detector makes of that path is close to what it makes of random ones with that chance; `monitors.power` says how
close.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.records import BY_INPUT, Baseline, Stratum
from monitors.agreement import disagreement_bounds, pooled_bound
from monitors.sr import LIFTS
from monitors.windowed.agreement import Agreement, fit_agreement
from monitors.windowed.calendar import Slot

if TYPE_CHECKING:
    from monitors.windowed.agreement import AgreementBaseline

Floats = NDArray[np.float64]

_LEAST_THRESHOLD = 10.0
_LEAST_GROWTH = 1e-9
_REFERENCE_DAYS = 14
_CLUSTERS = 4  # of equal size: enough for the half of the weight that lies on them to be spread
_HOURS = 24
_BEFORE_H = _HOURS + 3  # of usual traffic; windows begin every six hours, a drop in the middle of that
_ANY = Slot(0, 0, False)  # agreement has no season


class Sensitivity(Protocol):
    """What a detector of agreement would see within a given time."""

    ahead: float  # by how many standard deviations random paths are ahead of the even one

    def evidence(self, pairs: Floats, drop: Floats, unlucky: Floats) -> Floats:
        """The most evidence there is in that time, for `pairs` a day and a drop as a share.

        1 is an alarm; how far above says nothing, since an alarm begins anew.  `unlucky`: how many standard deviations
        fewer disagreements come than expected.  All have shape (n,).
        """
        ...


class PerSample:
    """The e-processes of `monitors.detectors.agreement`, whose evidence grows with every pair."""

    ahead = 0.5  # the statistic sums over all beginnings of a drop, and the luckiest counts most: simulated

    def __init__(self, baselines: Mapping[Stratum, Baseline], *, alarm_days: float, within_d: float) -> None:
        """`baselines` have items; `alarm_days` times the pairs a day is the threshold A."""
        self._alarm_days = alarm_days
        self._within_d = within_d
        self._rate = disagreement(baselines.values())
        bounds = disagreement_bounds(baselines)
        strata = [
            (bounds[stratum], baselines[stratum]) for stratum in BY_INPUT if _has_items(baselines, stratum, bounds)
        ]
        items = sum(each.items for each in baselines.values())
        pooled = pooled_bound(baselines)
        # bound, rate before the drop, share of the pairs, weight: as in the detector
        self._parts = [
            (bound, disagreement([own]), own.items / items, 1.0 if pooled is None else 0.5) for bound, own in strata
        ]
        if pooled is not None:
            self._parts.append((pooled, self._rate, 1.0, 0.5))

    def evidence(self, pairs: Floats, drop: Floats, unlucky: Floats) -> Floats:
        """See `Sensitivity`."""
        total = pairs * self._within_d
        after = np.minimum(self._rate + drop, 1.0)
        seen = np.maximum(1.0 - unlucky * np.sqrt((1 - after) / (total * after)), 0.0)  # of the expected disagreements
        logs = [
            np.log(weight) + _log_statistic(bound, np.minimum((rate + drop) * seen, 1.0), share * total)
            for bound, rate, share, weight in self._parts
        ]
        threshold = np.log(np.maximum(_LEAST_THRESHOLD, pairs * self._alarm_days))
        return np.asarray(np.logaddexp.reduce(logs, axis=0) / threshold)


class Windowed:
    """The detector of `monitors.windowed.agreement`, once it has 14 days of reference at the same number of pairs."""

    ahead = 0.0

    def __init__(self, rate: float, *, alarm_days: float, within_d: float, day_variation: float) -> None:
        """`rate` of disagreement before the drop; `alarm_days` is A.

        `day_variation`: the standard deviation of the rate from day to day over its mean, beyond chance.
        """
        self._rate = rate
        self._alarm_days = alarm_days
        self._hours = max(1, round(within_d * _HOURS))
        self._phi = day_variation**2

    def evidence(self, pairs: Floats, drop: Floats, unlucky: Floats) -> Floats:
        """See `Sensitivity`."""
        detector = Agreement(self._reference(pairs), days=self._alarm_days)
        hour = np.repeat(pairs[:, None] / _HOURS / _CLUSTERS, _CLUSTERS, axis=1)
        after = np.minimum(self._rate + drop, 1.0)
        seen = np.maximum(after * (1 - unlucky * self._spread(pairs, after)), 0.0)
        for _ in range(_BEFORE_H):
            detector.step(_ANY, hour, hour * self._rate)
        found = [detector.step(_ANY, hour, hour * seen[:, None]).evidence for _ in range(self._hours)]
        return np.asarray(np.max(found, axis=0))

    def _spread(self, pairs: Floats, after: Floats) -> Floats:
        """Standard deviation over mean of the disagreements after the drop, held against the reference's."""
        days = self._hours / _HOURS
        own = (1 - after) / (pairs * days * after) + self._phi / days
        reference = (1 - self._rate) / (_REFERENCE_DAYS * pairs * self._rate) + self._phi / _REFERENCE_DAYS
        return np.asarray(np.sqrt(own + reference))

    def _reference(self, pairs: Floats) -> AgreementBaseline:
        """Days that vary as much as chance and `day_variation` let them: up and down in turns."""
        swing = np.sqrt(self._phi + 1 / (pairs * self._rate))
        turns = np.where(np.arange(_REFERENCE_DAYS) % 2, 1.0, -1.0)
        rates = self._rate * np.maximum(1 + swing[:, None] * turns, 0.0)  # (n, days)
        shape = (len(pairs), _REFERENCE_DAYS, _HOURS, _CLUSTERS)
        hours = np.broadcast_to((pairs / _HOURS / _CLUSTERS)[:, None, None, None], shape)
        return fit_agreement(hours, hours * rates[:, :, None, None])


def disagreement(baselines: Iterable[Baseline]) -> float:
    """The share of held-out items on which the student was wrong; half an item more, so that it is never 0."""
    listed = list(baselines)
    items = sum(each.items for each in listed)
    return (items - sum(each.agreed for each in listed) + 0.5) / (items + 1)


def _has_items(baselines: Mapping[Stratum, Baseline], stratum: Stratum, bounds: Mapping[str, float]) -> bool:
    return stratum in baselines and baselines[stratum].items > 0 and stratum in bounds


def _log_statistic(bound: float, share: Floats, pairs: Floats) -> Floats:
    """Log of the mean of the processes of `monitors.sr` after `pairs`, of which `share` disagreed, evenly spread.

    Each grows by the same factor e^g with every pair, so it is the sum of e^(jg) for j = 1 ... pairs.
    """
    alternatives = np.minimum(bound + np.asarray(LIFTS), 1 - 0.1 * (1 - bound))
    event, absence = np.log(alternatives / bound), np.log((1 - alternatives) / (1 - bound))
    growth = share[:, None] * event + (1 - share[:, None]) * absence  # (n, lifts)
    growth = np.where(np.abs(growth) < _LEAST_GROWTH, _LEAST_GROWTH, growth)
    logs = growth + _log_expm1(growth * pairs[:, None]) - _log_expm1(growth)
    return np.asarray(np.logaddexp.reduce(logs, axis=1) - np.log(len(LIFTS)))


def _log_expm1(values: Floats) -> Floats:
    """Log |e^x - 1|."""
    return np.asarray(np.maximum(values, 0.0) + np.log(-np.expm1(-np.abs(values))))

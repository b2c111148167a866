"""Agreement by the hour: do student and teacher disagree more often than their cluster explains?"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitors.windowed.arrays import Floats
from monitors.windowed.calendar import Slot
from monitors.windowed.dispersion import dispersion, effective_events, upper_factor
from monitors.windowed.sr import Reading, SRState, WindowSR, evidence

_LIFTS = np.array([0.02, 0.05, 0.1, 0.2])
_LIFT_WEIGHTS = np.array([0.15, 0.3, 0.3, 0.25])
_TOTAL_SHARE = 0.8  # of the weight; the clusters have the rest
_LARGEST_RATIO = 60.0
_CLUSTER_RATIOS = np.array([1.5, 2.0, 3.0, 6.0])
_CLIP = (3.0, 3.0)
_WHOLE = 0.01  # expected disagreements of a cluster in a day: the small ones count, only silent ones do not
_PRIOR_PHI = 0.05
_ALL_ALIKE = (
    1e9  # days that the mean of all clusters counts for in the phi of each: they are too small to have their own
)
_LOST_DAYS = 2
_PSEUDO_EVENTS = 2.0  # a cluster's own rate is shrunk to the rate of all pairs
_LEVEL, _CLUSTER_LEVEL = 0.85, 0.9  # confidence of the bounds


class AgreementBaseline(msgspec.Struct, frozen=True):
    """What is known from the reference days.  First row: all pairs, then the clusters."""

    by_cluster: Floats  # (*b, K): disagreement rates
    flat: Floats  # (*b, 1): what makes them add up to the disagreements of all pairs
    overall: Floats  # (*b,): disagreement rate of all pairs
    phi: Floats  # (*b, 1 + K)
    upper: Floats  # (*b, 1 + K)


def fit_agreement(pairs: Floats, disagreed: Floats) -> AgreementBaseline:
    """Learn from whole reference days: (*b, D, 24, K) each.

    Raises:
        ValueError: there are no pairs.
    """
    n, events = pairs.sum((-3, -2)), disagreed.sum((-3, -2))
    if not np.all(n.sum(-1) > 0):
        raise ValueError("the reference days have no pairs: ask the teacher about more traffic")
    days = pairs.shape[-3]
    overall = (events.sum(-1) + 0.5) / (n.sum(-1) + 1)
    by_cluster = (events + _PSEUDO_EVENTS) / (n + _PSEUDO_EVENTS / overall[..., None])
    observed, expected = disagreed.sum(-2), pairs.sum(-2) * by_cluster[..., None, :]  # by day, (*b, D, K)
    phis = dispersion(observed, expected, lost=_LOST_DAYS, prior=_PRIOR_PHI, pool=_ALL_ALIKE)
    effective = effective_events(n * by_cluster, phis, days) + _PSEUDO_EVENTS
    uppers = upper_factor(effective, level=_CLUSTER_LEVEL)
    observed, expected = observed.sum(-1, keepdims=True), expected.sum(-1, keepdims=True)
    flat = (observed.sum(-2) + 0.5) / (expected.sum(-2) + 0.5)
    expected = expected * flat[..., None, :]
    phi = dispersion(observed, expected, lost=_LOST_DAYS, prior=_PRIOR_PHI)
    upper = upper_factor(effective_events(expected.sum(-2), phi, days), level=_LEVEL)
    both = (np.concatenate(rows, axis=-1) for rows in ((phi, phis), (upper, uppers)))
    return AgreementBaseline(by_cluster, flat, overall, *both)


class Agreement:
    """Disagreements against what the clusters of the pairs explain.

    Most of the weight is on all pairs, the rest is spread over the clusters, each on its own: a change of mix does not
    alarm, and a cluster that goes wrong is found although it is small.  Only pairs whose chance of being asked does
    not depend on the answer within their cluster may be counted.
    """

    def __init__(self, baseline: AgreementBaseline, *, days: float) -> None:
        """`days`: A, see `budget.budget_days`."""
        self._baseline = baseline
        overall = baseline.overall[..., None]
        total = np.minimum((overall + _LIFTS) / overall, _LARGEST_RATIO)
        k, a = baseline.by_cluster.shape[-1], len(_LIFTS)
        clusters = np.broadcast_to(_CLUSTER_RATIOS, (*baseline.by_cluster.shape, a))
        ratios = np.concatenate([total[..., None, :], clusters], axis=-2)
        weights = np.full((1 + k, a), (1 - _TOTAL_SHARE) / (k * a))
        weights[0] = _TOTAL_SHARE * _LIFT_WEIGHTS
        self._sr = WindowSR(ratios, weights, clip=_CLIP, whole=_WHOLE)
        self._days = days

    def step(self, slot: Slot, pairs: Floats, disagreed: Floats) -> Reading:
        """Take an elapsed hour in, also one without pairs: (*b, K) each; `slot` is not used, for it has no season."""
        base = self._baseline
        by_cluster = pairs * base.by_cluster
        expected = np.concatenate([by_cluster.sum(-1, keepdims=True) * base.flat, by_cluster], axis=-1)
        observed = np.concatenate([disagreed.sum(-1, keepdims=True), disagreed], axis=-1)
        standing = self._sr.hour(observed, expected, base.phi, base.upper)
        found = evidence(standing.statistic, self._days)
        alarm = found > 1
        if alarm.any():
            self._sr.reset(alarm)
        return Reading(found, alarm, standing.parts.argmax(-1), standing.ratio[..., 0])

    def reset(self, where: NDArray[np.bool_]) -> None:
        """Forget the evidence of the chosen streams, (*b,)."""
        self._sr.reset(where)

    def state(self) -> SRState:
        """The memory, as it is now."""
        return self._sr.state()

    def restore(self, state: SRState) -> None:
        """Continue from `state`.

        Raises:
            ValueError: it belongs to another baseline.
        """
        self._sr.restore(state)

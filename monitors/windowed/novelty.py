"""Novelty by the hour: are inputs far from the reference more frequent than their cluster and the hour explain?"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitors.windowed.arrays import Floats
from monitors.windowed.calendar import Slot
from monitors.windowed.dispersion import dispersion, effective_events, upper_factor
from monitors.windowed.hours import LEVELS
from monitors.windowed.seasons import expected_by_day, seasonal_rate
from monitors.windowed.sr import NO_CLIP, Reading, SRState, WindowSR, evidence

BUSY_PER_DAY = 1000.0  # inputs from which on the cap is tighter and the lane without a clip is worth its noise
_LIFTS = np.array([0.005, 0.015, 0.04, 0.1, 0.3])
_LARGEST_RATIO = 60.0
_PSEUDO_INPUTS = 20.0  # a cluster's own exceedance rates are shrunk to those of all inputs
_PRIOR_PHI = 0.03
_LOST_DAYS = 2
_UPPER_LEVEL = 0.95  # confidence of the baseline's bound
_CLIP_BUSY, _EPS_BUSY = (2.5, 2.0), 0.002  # the cap binds where bursts are large beside the traffic
_CLIP_QUIET, _EPS_QUIET = (2.0, 3.0), 0.02
_EPS_PLAIN = 0.05
_PLAIN_SHARE = 0.1  # weight of the lane without a clip
_SHOWN = 2  # the level whose ratio is the score


class NoveltyBaseline(msgspec.Struct, frozen=True):
    """What is known from the reference days."""

    by_cluster: Floats  # (*b, K, 4): exceedance rates
    rate: Floats  # (*b, 2, 24, 4): factors of the hours
    overall: Floats  # (*b, 4): exceedance rates of all inputs
    phi: Floats  # (*b, 4)
    upper: Floats  # (*b, 4)
    busy: Floats  # (*b,): 1 from 1,000 inputs a day on, else 0


class NoveltyState(msgspec.Struct, frozen=True):
    """The evidence of both lanes."""

    clipped: SRState
    plain: SRState


def fit_novelty(inputs: Floats, exceeded: Floats, weekend: NDArray[np.bool_]) -> NoveltyBaseline:
    """Learn from whole reference days.

    Args:
        inputs: (*b, D, 24, K), inputs per local hour and cluster, near-duplicates collapsed.
        exceeded: (*b, D, 24, K, 4), those above each novelty level.
        weekend: (D,).

    Raises:
        ValueError: there are no inputs.
    """
    by_cluster, above = inputs.sum((-3, -2)), exceeded.sum((-4, -3))
    total = by_cluster.sum(-1)
    if not np.all(total > 0):
        raise ValueError("the reference days have no inputs: wait for traffic")
    overall = (above.sum(-2) + 0.5) / (total[..., None] + 1)
    own = (above + _PSEUDO_INPUTS * overall[..., None, :]) / (by_cluster[..., None] + _PSEUDO_INPUTS)
    exposure, observed = inputs @ own[..., None, :, :], exceeded.sum(-2)
    rate = seasonal_rate(observed, exposure, weekend)
    expected = expected_by_day(exposure, rate, weekend)
    phi = dispersion(observed.sum(-2), expected, lost=_LOST_DAYS, prior=_PRIOR_PHI)
    days = len(weekend)
    upper = upper_factor(effective_events(expected.sum(-2), phi, days), level=_UPPER_LEVEL)
    busy = np.asarray(total / days >= BUSY_PER_DAY, float)
    return NoveltyBaseline(own, rate, overall, phi, upper, busy)


class Novelty:
    """Four exceedance counts against what cluster and hour explain.

    From 1,000 inputs a day on a second lane without the hourly clip finds what comes in one hour of the day only.  A
    weighted mean of the two is compared with A: the mean of such statistics keeps their budget, and costs the clipped
    lane less than half a budget would.
    """

    def __init__(self, baseline: NoveltyBaseline, *, days: float) -> None:
        """`days`: A, see `budget.budget_days`."""
        self._baseline = baseline
        rates = baseline.overall[..., None]
        ratios = np.minimum((rates + _LIFTS) / rates, _LARGEST_RATIO)
        weights = np.full((LEVELS, len(_LIFTS)), 1 / (LEVELS * len(_LIFTS)))
        busy = baseline.busy > 0
        slope, offset = (np.where(busy, *limits) for limits in zip(_CLIP_BUSY, _CLIP_QUIET, strict=True))
        eps = np.where(busy, _EPS_BUSY, _EPS_QUIET)
        self._clipped = WindowSR(ratios, weights, clip=(slope, offset), eps=eps)
        self._plain = WindowSR(ratios, weights, clip=NO_CLIP, eps=_EPS_PLAIN)
        self._share = np.where(busy, _PLAIN_SHARE, 0.0)
        self._days = days

    def step(self, slot: Slot, inputs: Floats, exceeded: Floats) -> Reading:
        """Take an elapsed hour in, also one without traffic: inputs (*b, K), exceeded (*b, K, 4)."""
        base = self._baseline
        expected = (inputs[..., None] * base.by_cluster).sum(-2) * base.rate[..., int(slot.weekend), slot.hour, :]
        observed = exceeded.sum(-2)
        main = self._clipped.hour(observed, expected, base.phi, base.upper)
        statistic = main.statistic
        if self._share.any():
            plain = self._plain.hour(observed, expected, base.phi, base.upper)
            statistic = (1 - self._share) * statistic + self._share * plain.statistic
        found = evidence(statistic, self._days)
        alarm = found > 1
        if alarm.any():
            self.reset(alarm)
        return Reading(found, alarm, main.parts.argmax(-1), main.ratio[..., _SHOWN])

    def reset(self, where: NDArray[np.bool_]) -> None:
        """Forget the evidence of the chosen streams, (*b,)."""
        self._clipped.reset(where)
        self._plain.reset(where)

    def state(self) -> NoveltyState:
        """The memory, as it is now."""
        return NoveltyState(self._clipped.state(), self._plain.state())

    def restore(self, state: NoveltyState) -> None:
        """Continue from `state`.

        Raises:
            ValueError: it belongs to another baseline.
        """
        self._clipped.restore(state.clipped)
        self._plain.restore(state.plain)

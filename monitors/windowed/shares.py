"""Shares by the hour: has a category, such as a cluster or a label, become more frequent than slow change explains?

Categories that the reference days hardly have are counted as one: of a few events a day each, neither its season nor
its dispersion can be learned, and a hundred such guesses together alarm.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitors.windowed.arrays import Floats
from monitors.windowed.calendar import Slot
from monitors.windowed.dispersion import dispersion, effective_events, upper_factor
from monitors.windowed.level import LocalLevel
from monitors.windowed.seasons import expected_by_day, seasonal_rate
from monitors.windowed.sr import Reading, SRState, WindowSR, evidence

RARE = "rare"  # what all categories that are counted as one are called

_OWN = 5.0  # counts of a category on a mean reference day from which on it is watched on its own
_RATIOS = np.array([1.5, 2.5, 5.0])
_CLIP = (4.0, 4.0)
_EPS = 0.1
_WHOLE = 0.01  # expected events of a category in a day: rare ones count, only those that cannot occur do not
_PRIOR_PHI = 0.1
_UPPER_LEVEL = 0.9  # confidence of the bound of what the level stands on
_POOL_DAYS = 6.0  # weight of the mean phi of all categories in that of each
_LOST_DAYS = 2
_LEARNING_DAYS = 5  # the level's first forecasts say nothing about the later ones


class SharesBaseline(msgspec.Struct, frozen=True):
    """What is known from the reference days: of J categories in C = J + 1 columns, the last for all rare ones.

    Which are rare differs between streams, so each keeps its column; that of a rare one expects and counts nothing.
    """

    names: tuple[str, ...]  # of the J categories; empty: nobody asks
    own: Floats  # (*b, J): 1 for a category that is watched on its own, 0 for a rare one
    rate: Floats  # (*b, 2, 24, C): shares in each hour
    daily: Floats  # (*b, C): expected counts of a mean day
    phi: Floats  # (*b, C)
    level: LocalLevel  # for the day after the last one
    last_day: int

    @property
    def watched(self) -> tuple[str, ...]:
        """The names of what is watched on its own, of one stream."""
        return tuple(name for name, own in zip(self.names, self.own, strict=True) if own)

    def column_name(self, column: int) -> str:
        """What a column of one stream counts: a category, or `RARE`; a rare one without others keeps its name."""
        if column < len(self.names):
            return self.names[column]
        rare = [name for name, own in zip(self.names, self.own, strict=True) if not own]
        return rare[0] if len(rare) == 1 else RARE


class SharesState(msgspec.Struct, frozen=True):
    """The evidence, the level, and what was counted of the day that is not over."""

    evidence: SRState
    level: LocalLevel
    day: int
    observed: Floats
    expected: Floats


def fit_shares(
    counts: Floats, weekend: NDArray[np.bool_], *, last_day: int, names: Sequence[str] = ()
) -> SharesBaseline:
    """Learn from whole reference days, in order.

    phi is how far the days missed what the local level had forecast of them: slow wandering is inside it.

    Args:
        counts: (*b, D, 24, J), per local hour and category.
        weekend: (D,).
        last_day: `Slot.day` of the last of these days.
        names: Of the J categories.

    Raises:
        ValueError: nothing was counted.
    """
    exposure = counts.sum(-1, keepdims=True)
    own = (counts.sum((-3, -2)) >= _OWN * len(weekend)).astype(float)
    counts = _columns(counts, own[..., None, None, :])
    if not np.all(exposure.sum((-3, -2, -1)) > 0):
        raise ValueError("the reference days have no inputs: wait for traffic")
    rate = seasonal_rate(counts, exposure, weekend) * _occurring(own)[..., None, None, :]
    observed, plain = counts.sum(-2), expected_by_day(exposure, rate, weekend)
    level = LocalLevel.begin(plain.mean(-2))
    forecast = np.empty_like(plain)
    for day in range(len(weekend)):
        forecast[..., day, :] = plain[..., day, :] * level.factor
        level = level.after(observed[..., day, :], plain[..., day, :])
    late = (..., slice(_LEARNING_DAYS, None), slice(None))
    phi = dispersion(observed[late], forecast[late], lost=_LOST_DAYS, prior=_PRIOR_PHI, pool=_POOL_DAYS)
    return SharesBaseline(tuple(names), own, rate, plain.mean(-2), phi, level, last_day)


def _columns(counts: Floats, own: Floats) -> Floats:
    """(..., J) each to (..., C)."""
    return np.concatenate([counts * own, (counts * (1 - own)).sum(-1, keepdims=True)], axis=-1)


def _occurring(own: Floats) -> Floats:
    """1 for a column that can count anything, 0 for the others: (*b, J) to (*b, C)."""
    return np.concatenate([own, (own == 0).any(-1, keepdims=True)], axis=-1)


class Shares:
    """Counts against what the hour and the local level explain.  It names the column that adds most."""

    def __init__(self, baseline: SharesBaseline, *, days: float) -> None:
        """`days`: A, see `budget.budget_days`."""
        self._baseline = baseline
        shape = (*baseline.daily.shape, len(_RATIOS))
        occurring = _occurring(baseline.own)
        by_column = occurring / occurring.sum(-1, keepdims=True) / len(_RATIOS)
        weights = np.broadcast_to(by_column[..., None], shape)
        self._sr = WindowSR(np.broadcast_to(_RATIOS, shape), weights, phases=1, clip=_CLIP, eps=_EPS, whole=_WHOLE)
        self._days = days
        self._day = baseline.last_day + 1
        self._observed, self._expected = np.zeros_like(baseline.daily), np.zeros_like(baseline.daily)
        self._follow(baseline.level)

    def step(self, slot: Slot, counts: Floats) -> Reading:
        """Take an elapsed hour in, also one without traffic: counts (*b, J)."""
        self._turn(slot.day)
        counts = _columns(counts, self._baseline.own)
        expected = counts.sum(-1, keepdims=True) * self._baseline.rate[..., int(slot.weekend), slot.hour, :]
        self._observed = self._observed + counts
        self._expected = self._expected + expected
        standing = self._sr.hour(counts, expected * self._factor, self._baseline.phi, self._upper)
        found = evidence(standing.statistic, self._days)
        alarm = found > 1
        if alarm.any():
            self._sr.reset(alarm)
        worst = standing.parts.argmax(-1)
        score = np.take_along_axis(standing.ratio, worst[..., None], axis=-1)[..., 0]
        return Reading(found, alarm, worst, score)

    def reset(self, where: NDArray[np.bool_]) -> None:
        """Forget the evidence of the chosen streams, (*b,); the level stays."""
        self._sr.reset(where)

    def state(self) -> SharesState:
        """The memory, as it is now."""
        return SharesState(self._sr.state(), self._level, self._day, self._observed, self._expected)

    def restore(self, state: SharesState) -> None:
        """Continue from `state`.

        Raises:
            ValueError: it belongs to another baseline.
        """
        self._sr.restore(state.evidence)
        self._day, self._observed, self._expected = state.day, state.observed, state.expected
        self._follow(state.level)

    def _turn(self, day: int) -> None:
        """End the day that is being counted, and those without traffic after it."""
        if day <= self._day:
            return
        level = self._level.after(self._observed, self._expected)
        self._observed, self._expected = np.zeros_like(self._observed), np.zeros_like(self._expected)
        for _ in range(self._day + 1, day):
            level = level.after(self._observed, self._expected)
        self._day = day
        self._follow(level)

    def _follow(self, level: LocalLevel) -> None:
        self._level, self._factor = level, level.factor
        daily, phi = self._baseline.daily * level.factor, self._baseline.phi
        # a day is one observation of its level: phi * daily is what it varies beyond chance
        effective = effective_events(daily * level.days, phi, level.days)
        self._upper = upper_factor(effective, level=_UPPER_LEVEL)

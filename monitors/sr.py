"""Shiryaev-Roberts e-processes for events that must not become more frequent.

For each stream of yes/no events with a rate of at most q, and each alternative rate q1 > q, the likelihood ratio of an
event is q1/q and of its absence (1-q1)/(1-q).  G <- (G + 1) * ratio sums the evidence over all possible change points;
G - n is a supermartingale while the rate is at most q, so the mean of several G exceeds A on average not before A
observations.  (Shin, Ramdas, Rinaldo: E-detectors, a nonparametric framework for sequential change detection, 2023.)
The observations may depend on each other within one, but not over time: the rate given the past must stay at most q.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LIFTS = (0.02, 0.05, 0.1, 0.2, 0.4)
_LARGEST = 1e200  # far above any threshold, far below an overflow


class ExceedanceSR:
    """Evidence that any of J event rates lies above its bound.  State: J x K numbers, K the number of lifts."""

    def __init__(self, bounds: Sequence[float], *, lifts: Sequence[float] = LIFTS) -> None:
        """`bounds`: upper confidence bounds of the J rates, each in (0, 1); `lifts`: of the alternatives above them."""
        q = np.clip(np.asarray(bounds, float), 1e-6, 1 - 1e-6)[:, None]
        alternatives = np.minimum(q + np.asarray(lifts), 1 - 0.1 * (1 - q))  # stays above q and below 1
        self._event = alternatives / q
        self._absence = (1 - alternatives) / (1 - q)
        self._g = np.zeros_like(alternatives)

    def update(self, events: Sequence[float]) -> None:
        """Take one observation in: J values, 1 where the event happened."""
        happened = np.asarray(events, bool).reshape(len(self._g), 1)
        self._g = np.minimum((self._g + 1) * np.where(happened, self._event, self._absence), _LARGEST)

    @property
    def statistic(self) -> float:
        """The mean of all G: alarm when it exceeds A."""
        return float(self._g.mean())

    def reset(self) -> None:
        """Forget all evidence, as after an alarm."""
        self._g[:] = 0.0

    def values(self) -> list[list[float]]:
        """All G, for the state."""
        rows: list[list[float]] = self._g.tolist()
        return rows

    def restore(self, values: list[list[float]]) -> None:
        """Continue from `values`.

        Raises:
            ValueError: they belong to other bounds or alternatives.
        """
        g = np.asarray(values, float)
        if g.shape != self._g.shape:
            raise ValueError(f"the state has shape {g.shape}, not {self._g.shape}")
        self._g = g


def evidence(statistic: float, threshold: float) -> float:
    """log(statistic) / log(threshold), at least 0: 1 is an alarm, 0.5 is half of the way in orders of magnitude."""
    return math.log(max(statistic, 1.0)) / math.log(threshold)


def upper_bound(events: NDArray[np.int64] | int, n: int, *, level: float = 0.95) -> NDArray[np.float64]:
    """One-sided Clopper-Pearson upper bound of a rate seen `events` times in `n` (1934); 1 when n is 0."""
    from scipy.stats import beta

    k = np.asarray(events, float)
    bound = beta.ppf(level, k + 1, np.maximum(n - k, 1))
    return np.where(k >= n, 1.0, bound)


def two_sided(events: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval (1934) of a rate seen `events` times in `n` > 0; counts need not be whole."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    lower = float(beta.ppf(tail, events, n - events + 1)) if events > 0 else 0.0
    upper = float(beta.ppf(1 - tail, events + 1, n - events)) if events < n else 1.0
    return lower, upper

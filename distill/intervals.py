"""Intervals and tests for shares, exact or score-based.  Pure."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import beta, binomtest

from domain.records import Agreement


def clopper_pearson(agreed: int, items: int, *, level: float = 0.95) -> Agreement:
    """The share `agreed` of `items` with its exact two-sided interval (Clopper and Pearson, Biometrika 1934)."""
    tail = (1 - level) / 2
    lower = float(beta.ppf(tail, agreed, items - agreed + 1)) if agreed else 0.0
    upper = float(beta.ppf(1 - tail, agreed + 1, items - agreed)) if agreed < items else 1.0
    estimate = agreed / items if items else 0.0
    return Agreement(estimate, lower, upper, items, level, "Clopper-Pearson")


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p-value that both students are right equally often, from the rows on which only one is."""
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def difference_lower(gained: int, lost: int, items: int, *, level: float = 0.95) -> float:
    """One-sided lower bound of the paired difference of shares, (gained - lost) / items.

    Inverts the score test of Tango, Statistics in Medicine 17 (1998); holds without a single discordant row, where
    a bootstrap would claim certainty.
    """
    if items == 0:
        return -1.0
    quantile = float(ndtri(level))
    edge = 1e-9

    def excess(difference: float) -> float:
        return _score(gained, lost, items, difference) - quantile

    estimate = (gained - lost) / items
    low, high = -1 + edge, estimate - edge
    if high <= low or excess(low) <= 0:
        return -1.0
    return float(brentq(excess, low, high))


def _score(gained: int, lost: int, items: int, difference: float) -> float:
    """Tango's standardised distance between the observed difference and a supposed one."""
    b = (2 * items - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    q = (math.sqrt(max(b * b - 8 * items * c, 0.0)) - b) / (4 * items)
    variance = items * (2 * q + difference * (1 - difference))
    distance = gained - lost - items * difference
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

"""The share of inputs on which student and teacher agree, from pairs that were sampled with unequal probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable

from domain.records import Agreement, Baseline, Pair, PairState, Stratum
from monitors.sr import upper_bound

_Z = 1.959963984540054  # two-sided 95 %


def estimate(pairs: Iterable[Pair]) -> Agreement | None:
    """Hajek's estimate with a Wilson interval at the effective sample size; None without a pair.

    Each pair counts with the inverse of its inclusion probability, over the sum of these (Hajek 1971).  The effective
    sample size is (sum w)^2 / sum w^2 (Kish 1965); Wilson (1927) keeps the interval inside [0, 1].  The interval is
    for one look, not for watching: alarms come from the detector.
    """
    weights, agreed, square, count = 0.0, 0.0, 0.0, 0
    for pair in pairs:
        if pair.state is PairState.PAIRED and pair.agreed is not None:
            weight = 1.0 / pair.probability
            weights += weight
            square += weight * weight
            agreed += weight * pair.agreed
            count += 1
    if not count:
        return None
    share, n = agreed / weights, weights * weights / square
    centre = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return Agreement(share, max(0.0, centre - half), min(1.0, centre + half), count, method="Hajek, Wilson at n_eff")


def disagreement_bounds(baselines: dict[Stratum, Baseline]) -> dict[str, float]:
    """Upper 95 % bound of the disagreement rate of each stratum with held-out items; those at 1 can show nothing."""
    bounds = {
        str(stratum): float(upper_bound(baseline.items - baseline.agreed, baseline.items))
        for stratum, baseline in baselines.items()
        if baseline.items
    }
    return {stratum: bound for stratum, bound in bounds.items() if bound < 1.0}

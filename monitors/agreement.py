"""The share of inputs on which student and teacher agree, from pairs that were sampled with unequal probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from domain.records import Agreement, Baseline, Pair, PairState, Stratum
from monitors.sr import upper_bound

_HELD_OUT = (Stratum.ORDINARY, Stratum.FLAGGED)  # pairs of others move the pooled process only
UNSEEN = 0.5  # disagreement granted to a stratum of which nothing is known
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
    share = agreed / weights
    lower, upper = wilson(share, weights * weights / square)
    return Agreement(share, lower, upper, count, method="Hajek, Wilson at n_eff")


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share seen in `n` > 0."""
    centre = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def disagreement_bounds(baselines: Mapping[Stratum, Baseline]) -> dict[str, float]:
    """Upper bound of the disagreement rate of each stratum: what the student was accepted with.

    One-sided Clopper-Pearson at 95 % of the held-out items.  A stratum without any gets `UNSEEN`, so that it alarms
    only where the student is wrong more often than right; one where no item agreed has no bound below 1 and is left
    out.  Empty when there is no item at all: there is then nothing to hold the student to.
    """
    if not any(baseline.items for baseline in baselines.values()):
        return {}
    bounds = {str(stratum): _bound(baselines.get(stratum, Baseline(0, 0))) for stratum in _HELD_OUT}
    return {stratum: bound for stratum, bound in bounds.items() if bound < 1.0}


def pooled_bound(baselines: Mapping[Stratum, Baseline]) -> float | None:
    """The same for all held-out items together; None when nothing can be held against it.

    The items must be like the traffic.  Where flagged inputs were sampled more often, the bound errs on the quiet side
    as long as the student is no better on them.
    """
    items = sum(baseline.items for baseline in baselines.values())
    bound = float(upper_bound(items - sum(baseline.agreed for baseline in baselines.values()), items))
    return bound if bound < 1.0 else None


def _bound(baseline: Baseline) -> float:
    if not baseline.items:
        return UNSEEN
    return float(upper_bound(baseline.items - baseline.agreed, baseline.items))

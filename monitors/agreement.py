"""The share of inputs on which student and teacher agree, from pairs that were sampled with unequal probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from domain.records import BY_INPUT, Agreement, Baseline, Pair, PairState, Stratum
from monitors.confidence import ConfidenceSequence
from monitors.sr import upper_bound

SINGLE_LOOK = "Hajek, Wilson at n_eff"
ANYTIME = "Hajek, anytime-valid by betting"
UNSEEN = 0.5  # disagreement granted to a stratum of which nothing is known
_Z = 1.959963984540054  # two-sided 95 %


def estimate(
    pairs: Iterable[Pair], *, anytime: bool = False, least: float | None = None, graded: bool = False
) -> Agreement | None:
    """Hajek's estimate with its interval at 95 %; None without a pair.  `method` says which interval it is.

    Each pair counts with the inverse of its inclusion probability, over the sum of these (Hajek 1971).

    Args:
        pairs: those that were compared count, in any order.
        anytime: an interval that holds however often it is looked at while pairs are added (see `monitors.confidence`),
            about 1.7 times as wide as the one for a single look.  Of a window that slides, it holds for each look only.
        least: for `anytime`, the smallest inclusion probability there can be; None: the smallest there is, which is
            right as long as every rate has been in use.
        graded: the mean of the scores instead of the share that agreed.

    Raises:
        ValueError: a pair's probability is below `least`.
    """
    rows = [(_worth(pair, graded=graded), pair.probability) for pair in pairs if compared(pair)]
    if not rows:
        return None
    return _anytime(rows, least) if anytime else _single_look(rows)


def compared(pair: Pair) -> bool:
    """Whether a pair counts: both answered, and the answers were compared."""
    return pair.state is PairState.PAIRED and pair.agreed is not None


def _worth(pair: Pair, *, graded: bool) -> float:
    return pair.score if graded and pair.score is not None else float(bool(pair.agreed))


def _single_look(rows: Sequence[tuple[float, float]]) -> Agreement:
    """Wilson (1927) at the effective sample size (sum w)^2 / sum w^2 (Kish 1965): stays inside [0, 1]."""
    weights = [1.0 / probability for _, probability in rows]
    total = sum(weights)
    share = sum(weight * worth for weight, (worth, _) in zip(weights, rows, strict=True)) / total
    lower, upper = wilson(share, total * total / sum(weight * weight for weight in weights))
    return Agreement(share, lower, upper, len(rows), method=SINGLE_LOOK)


def _anytime(rows: Sequence[tuple[float, float]], least: float | None) -> Agreement:
    worths, probabilities = zip(*rows, strict=True)
    sequence = ConfidenceSequence(min(probabilities) if least is None else least)
    sequence.update(worths, probabilities)
    found = sequence.estimate
    assert found is not None
    lower, upper = sequence.interval()
    return Agreement(found, lower, upper, len(rows), method=ANYTIME)


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
    bounds = {str(stratum): _bound(baselines.get(stratum, Baseline(0, 0))) for stratum in BY_INPUT}
    return {stratum: bound for stratum, bound in bounds.items() if bound < 1.0}


def held_out(baselines: Mapping[Stratum, Baseline]) -> dict[str, float | Baseline]:
    """What each stratum is held to: its held-out items, `UNSEEN` where there are none; see `disagreement_bounds`."""
    seen = {str(stratum): baseline for stratum, baseline in baselines.items() if baseline.items}
    return {stratum: seen.get(stratum, UNSEEN) for stratum in disagreement_bounds(baselines)}


def pooled(baselines: Mapping[Stratum, Baseline]) -> Baseline | None:
    """All held-out items together; None when none of them agreed, so that nothing can be held against the student.

    The items must be like the traffic.  Where flagged inputs were sampled more often, the measure errs on the quiet
    side as long as the student is no better on them.
    """
    items, agreed = (sum(getattr(each, part) for each in baselines.values()) for part in ("items", "agreed"))
    return Baseline(items, agreed) if agreed else None


def pooled_bound(baselines: Mapping[Stratum, Baseline]) -> float | None:
    """The bound of `disagreement_bounds` for all held-out items together; None when there is none below 1."""
    together = pooled(baselines)
    return None if together is None else _bound(together)


def _bound(baseline: Baseline) -> float:
    if not baseline.items:
        return UNSEEN
    return float(upper_bound(baseline.items - baseline.agreed, baseline.items))

"""An interval for agreement that may be looked at after every pair: it holds at all looks together.

For a mean m, bet on every pair that scores exceed m: the capital is multiplied by 1 + r v (x / m - 1), where x is the
score in [0, 1], v in (0, 1] the weight of the pair over the largest weight there can be, and r in (0, 1) the stake.  An
input of which the teacher was not asked leaves the capital as it is, and the chance of being asked undoes the weight:
while m is the mean of all traffic the capital is a supermartingale and exceeds 40 in one of 40 runs at most (Ville
1939).  The interval is what neither the bets on "above" nor those on "below" refute (Waudby-Smith and Ramdas,
Estimating means of bounded random variables by betting, 2024).

Stakes are constant and mixed, not adapted, for three reasons.  Bursts and a mean that wanders do no harm to any one
look: what the bets win on average is then at most the exponent of a sum that is zero for the mean of the traffic seen.
The order of the pairs does not matter.  And the memory is a table of counts, since the logarithm of the capital is
concave in x and in v: to split a pair between the levels next to it can only widen the interval, and leaves the
estimate as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
_REFUTED = math.log(2 / (1 - LEVEL))  # each side may err half of the time
_STAKES = np.geomspace(1 / 1024, 0.9, 16)
_PRIOR = 1 / (1 + np.log(1 / _STAKES))  # more on large stakes: they are what the first hundreds of pairs need
_LOG_PRIOR = np.log(_PRIOR / _PRIOR.sum())
_SCORES = np.linspace(0.0, 1.0, 21)
_SHARES = np.concatenate([[0.0], 2.0 ** (np.arange(-20, 1) / 2)])  # of the largest weight
_SHAPE = (len(_SHARES), len(_SCORES))
_STEPS = 40  # of a bisection, more than bounds are read for
_TOLERANCE = 1e-9


class _State(msgspec.Struct):
    least: float
    pairs: int
    cells: list[tuple[int, float]]  # number of the cell, pairs in it


_DECODER = msgspec.json.Decoder(_State)


class ConfidenceSequence:
    """The interval at 95 % for the mean of all traffic, from pairs sampled with unequal probabilities.

    `least` is the smallest inclusion probability there can be: it bounds the weights, and must be known beforehand.
    """

    def __init__(self, least: float) -> None:
        if not 0 < least <= 1:
            raise ValueError(f"the least inclusion probability is {least}, not in (0, 1]")
        self._least = least
        self._counts = np.zeros(_SHAPE)
        self.pairs = 0

    def update(self, scores: Sequence[float], probabilities: Sequence[float]) -> None:
        """Take pairs in, in any order.

        Raises:
            ValueError: a score is not in [0, 1], or a probability not in [least, 1].
        """
        x, p = np.asarray(scores, float), np.asarray(probabilities, float)
        if not ((x >= 0) & (x <= 1)).all():
            raise ValueError("scores must be in [0, 1]")
        if not ((p >= self._least * (1 - _TOLERANCE)) & (p <= 1)).all():
            raise ValueError(f"inclusion probabilities must be in [{self._least:g}, 1]")
        self._counts += spread(x, np.minimum(self._least / p, 1.0)).sum(0)
        self.pairs += len(x)

    @property
    def estimate(self) -> float | None:
        """Hajek's estimate; None without a pair."""
        return float(_mean(self._counts)) if self.pairs else None

    def interval(self) -> tuple[float, float]:
        """Lower and upper bound; (0, 1) without a pair."""
        if not self.pairs:
            return 0.0, 1.0
        return _lower(self._counts), 1.0 - _lower(self._counts[:, ::-1])

    def state(self) -> bytes:
        """The memory as JSON: at most 462 counts, usually four to twenty."""
        flat = self._counts.ravel()
        cells = [(int(cell), float(flat[cell])) for cell in np.flatnonzero(flat)]
        return msgspec.json.encode(_State(self._least, self.pairs, cells))

    def restore(self, state: bytes) -> None:
        """Continue from what `state` returned.

        Raises:
            ValueError: it belongs to another least probability.
        """
        value = _DECODER.decode(state)
        if value.least != self._least:
            raise ValueError(f"the state is for probabilities from {value.least:g}, not from {self._least:g}")
        self._counts = np.zeros(_SHAPE)
        for cell, count in value.cells:
            self._counts.flat[cell] = count
        self.pairs = value.pairs


def spread(scores: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each pair split among the four levels around its score and its share of the largest weight.

    Both arguments have shape (n,) and values in [0, 1]; the result has shape (n, weight levels, score levels), sums to
    1 for each pair and keeps both means.
    """
    rows, columns = _split(shares, _SHARES), _split(scores, _SCORES)
    return rows[:, :, None] * columns[:, None, :]


def log_capital(counts: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """What betting that the mean exceeds `mean`, in (0, 1], has made of 1; its logarithm.

    `counts` are sums of `spread`, shape (..., weight levels, score levels); the result has shape (...).
    """
    odds = _SHARES[:, None] * (_SCORES / mean - 1)
    flat = counts.reshape(*counts.shape[:-2], -1)
    used = np.flatnonzero(flat.reshape(-1, flat.shape[-1]).any(0))
    gains = np.log1p(_STAKES * odds.ravel()[used, None])
    found: NDArray[np.float64] = np.logaddexp.reduce(flat[..., used] @ gains + _LOG_PRIOR, axis=-1)
    return found


def _lower(counts: NDArray[np.float64]) -> float:
    """The smallest mean that is not refuted: the capital falls as the mean grows, and is at most 1 at the estimate."""
    low, high = 0.0, float(_mean(counts))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle < _TOLERANCE:
            break
        if log_capital(counts, middle) >= _REFUTED:
            low = middle
        else:
            high = middle
    return low


def _mean(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = counts * _SHARES[:, None]
    mean: NDArray[np.float64] = (weights * _SCORES).sum() / weights.sum()
    return mean


def _split(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value as a mixture of the two levels around it, shape (n, levels)."""
    below = np.clip(np.searchsorted(levels, values, side="right") - 1, 0, len(levels) - 2)
    above = (values - levels[below]) / (levels[below + 1] - levels[below])
    rows = np.zeros((len(values), len(levels)))
    index = np.arange(len(values))
    rows[index, below] = 1 - above
    rows[index, below + 1] = above
    return rows

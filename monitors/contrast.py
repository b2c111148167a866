"""Event rates of weighted samples held against each other, and how many of the differences may be chance.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_TINY = 1e-9  # a parameter of a Beta distribution is above 0
# On the unit interval, by u = sin^2: dense at its ends, where small p-values come from.
_U, _DU = (1 + np.sin(np.pi / 2 * _NODES)) / 2, np.pi / 4 * np.cos(np.pi / 2 * _NODES) * _NODE_WEIGHTS


class Sample(msgspec.Struct, frozen=True):
    """Sums over samples of yes/no events, one entry of each array a sample."""

    count: NDArray[np.float64]
    weight: NDArray[np.float64]
    events: NDArray[np.float64]  # weights of the events
    square: NDArray[np.float64]  # squared weights
    event_square: NDArray[np.float64]

    @property
    def rate(self) -> NDArray[np.float64]:
        """Hajek's estimate of the rate of events."""
        return self.events / self.weight

    @property
    def size(self) -> NDArray[np.float64]:
        """The size of a sample without weights that is as precise.

        The smaller of Kish's (1965) and of that which the linearised variance of the estimate says: the weights of the
        events themselves may be larger or smaller than those of the others.
        """
        kish = self.weight**2 / self.square
        rate = self.rate
        spread = rate * (1 - rate)
        variance = self.event_square * (1 - 2 * rate) + rate**2 * self.square
        known = (spread > 0) & (variance > 0)
        linear = np.divide(spread * self.weight**2, variance, out=kish.copy(), where=known)
        return np.minimum(kish, linear)

    def of(self, which: NDArray[np.intp]) -> Sample:
        """Some of the samples."""
        return Sample(*(getattr(self, name)[which] for name in self.__struct_fields__))

    def without(self, part: Sample) -> Sample:
        """What is left of this sample (or samples) when a part is taken out."""
        return Sample(*(getattr(self, name) - getattr(part, name) for name in self.__struct_fields__))


def summed(weights: NDArray[np.float64], events: NDArray[np.float64]) -> Sample:
    """All of one sample: weights and 0 or 1, both of shape (n,)."""
    return grouped(weights, events, rows=np.arange(len(weights)), groups=np.zeros(len(weights), int), most=1)


def grouped(
    weights: NDArray[np.float64],
    events: NDArray[np.float64],
    *,
    rows: NDArray[np.intp],
    groups: NDArray[np.intp],
    most: int,
) -> Sample:
    """A sample for each of `most` groups; observation `rows[i]` belongs to group `groups[i]`, maybe to others too."""
    w, y = weights[rows], events[rows]
    parts = (np.ones(len(w)), w, w * y, w * w, w * w * y)
    sums = (np.bincount(groups, part, minlength=most).astype(float) for part in parts)
    return Sample(*sums)


def higher(here: Sample, there: Sample) -> NDArray[np.float64]:
    """One-sided p-values of "the rate is higher here than there", one for each sample.

    Fisher's exact test as the probability that a Beta(k, n - k + 1) of here falls below a Beta(k + 1, n - k) of there
    (Altham 1969), which knows events that are not whole numbers: n is the size of a sample without weights.  Right to
    0.01 or, of small ones down to 1e-6, to 1 %; what is said to be smaller is only known to be small.
    """
    from scipy.special import betainc, betaincinv

    n, m = here.size, there.size
    k, j = here.rate * n, there.rate * m
    a, b, c, d = (np.maximum(each, _TINY)[:, None] for each in (k, n - k + 1, j + 1, m - j))
    p_values = betainc(a, b, betaincinv(c, d, _U)) @ _DU
    return np.where((here.events <= 0) | (there.events >= there.weight), 1.0, np.clip(p_values, 0.0, 1.0))


def false_discovery_rates(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each p-value the smallest rate of false discoveries at which it is one (Benjamini and Hochberg 1995)."""
    order = np.argsort(p_values)[::-1]
    ranks = np.arange(len(p_values), 0, -1)
    q_values = np.empty(len(p_values))
    q_values[order] = np.minimum(np.minimum.accumulate(p_values[order] * len(p_values) / ranks), 1.0)
    return q_values

"""Shiryaev-Roberts e-processes for observations of several categories whose usual shares a reference has shown.

The sampling error of the reference is not bounded but mixed over.  With Jeffreys' prior the next observation, while
nothing changes, is of category c with probability p(c) = (seen(c) + 1/2) / (n + C/2), where `seen` counts the reference
and the observations since (Krichevsky & Trofimov 1981).  The likelihood ratio to p of a distribution that is fixed
before the observation comes has the mean 1.  So with G <- (G + 1) * ratio, G minus the number of observations is a
martingale, and the weighted mean of several G exceeds A on average not before A observations: exactly, over all
references that there could have been.  (Shin, Ramdas, Rinaldo: E-detectors, 2023.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_PRIOR = 0.5
_LARGEST = 1e200  # far above any threshold, far below an overflow
_RAREST = 1e-30  # recent shares do not fade into numbers that are slow to compute with


class Alternative(msgspec.Struct, frozen=True):
    """What may have happened: a share `lift`, in (0, 1), of the observations is distributed otherwise.

    `other` is that distribution; where it is empty, it is that of the last `memory` observations.
    """

    lift: float
    other: tuple[float, ...] = ()
    memory: float = 0.0
    weight: float = 1.0


class Memory(msgspec.Struct, frozen=True):
    """What one process has to remember: observations of each category, recent shares for each memory, and all G."""

    seen: list[float]
    recent: list[list[float]]
    g: list[float]


class CategorySR:
    """Evidence that the shares of C categories are no longer those of the reference, for B streams at once."""

    def __init__(
        self, counts: ArrayLike, alternatives: Sequence[Alternative], *, ceiling: ArrayLike | None = None
    ) -> None:
        """`counts` of the reference, shape (C,) or (B, C).

        `ceiling`, one for each stream, bounds what the share of the last category is taken to have been: what a student
        was accepted with stays the measure, however many observations of something worse there are.  What is said of A
        then holds for the references whose share is within their ceiling.
        """
        self._base = np.atleast_2d(np.asarray(counts, float)) + _PRIOR
        self._ceiling = None if ceiling is None else np.atleast_1d(np.asarray(ceiling, float))
        fixed = [each for each in alternatives if each.other]
        moving = [each for each in alternatives if not each.other]
        ordered = [*fixed, *moving]
        self._lifts = np.array([each.lift for each in ordered])
        weights = np.array([each.weight for each in ordered])
        self._weights = weights / weights.sum()
        self._others = np.array([each.other for each in fixed]).reshape(-1, self._base.shape[1])
        self._memories = np.array(sorted({each.memory for each in moving}))
        self._which = np.searchsorted(self._memories, [each.memory for each in moving]).astype(int)
        self._rows = np.arange(len(self._base))
        self._seen, self._recent, self._g = self._fresh()

    def update(self, category: int | NDArray[np.int64]) -> None:
        """Take one observation in, or one for each stream."""
        usual = self._usual()[self._rows, category, None]
        ratio = 1.0 + self._lifts * (self._likely(category) / usual - 1.0)
        self._g = np.minimum((self._g + 1.0) * ratio, _LARGEST)
        self._seen[self._rows, category] += 1.0
        if len(self._memories):
            self._recent = np.maximum(self._recent * (1.0 - 1.0 / self._memories[:, None]), _RAREST)
            self._recent[self._rows, :, category] += 1.0 / self._memories

    def _likely(self, category: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """How likely the observation is in what each alternative has instead, shape (B or 1, alternatives)."""
        fixed = np.atleast_2d(self._others[:, category].T)
        if not len(self._memories):
            return fixed
        moving = self._recent[self._rows, :, category][:, self._which]
        return np.hstack([np.broadcast_to(fixed, (len(moving), fixed.shape[1])), moving])

    def _usual(self) -> NDArray[np.float64]:
        counts = self._base + self._seen
        usual: NDArray[np.float64] = counts / counts.sum(1, keepdims=True)
        if self._ceiling is not None:
            last = np.minimum(usual[:, -1], self._ceiling)
            usual[:, :-1] *= ((1.0 - last) / (1.0 - usual[:, -1]))[:, None]
            usual[:, -1] = last
        return usual

    @property
    def statistics(self) -> NDArray[np.float64]:
        """The weighted mean of all G of each stream, shape (B,): alarm when it exceeds A."""
        means: NDArray[np.float64] = self._g @ self._weights
        return means

    @property
    def statistic(self) -> float:
        """The same of the first stream."""
        return float(self.statistics[0])

    @property
    def distance(self) -> float:
        """Of the first stream, the total variation distance of recent shares from the usual ones, in [0, 1].

        Recent is what the longest memory holds, so it needs an alternative with one; so does `most_grown`.
        """
        return float(np.abs(self._lately() - self._usual()[0]).sum() / 2)

    @property
    def most_grown(self) -> int:
        """Of the first stream, the category that adds most to the divergence of recent shares from the usual ones."""
        recent = self._lately()
        return int(np.argmax(recent * np.log(recent / self._usual()[0])))

    def _lately(self) -> NDArray[np.float64]:
        lately: NDArray[np.float64] = self._recent[0, -1]
        return lately

    def reset(self) -> None:
        """Forget all evidence and go back to the reference, as after an alarm."""
        self._seen, self._recent, self._g = self._fresh()

    def _fresh(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        shares = self._base / self._base.sum(1, keepdims=True)
        recent = np.repeat(shares[:, None], len(self._memories), axis=1)
        return np.zeros_like(self._base), recent, np.zeros((len(self._base), len(self._lifts)))

    def memory(self) -> Memory:
        """What the first stream has to remember."""
        return Memory(self._seen[0].tolist(), self._recent[0].tolist(), self._g[0].tolist())

    def restore(self, memory: Memory) -> None:
        """Continue one stream from `memory`.

        Raises:
            ValueError: it belongs to other categories or alternatives.
        """
        seen, g = np.asarray([memory.seen], float), np.asarray([memory.g], float)
        width = -1 if memory.recent else seen.shape[1]
        recent = np.asarray(memory.recent, float).reshape(1, len(memory.recent), width)
        for name, value, own in (("seen", seen, self._seen), ("recent", recent, self._recent), ("g", g, self._g)):
            if value.shape != own.shape:
                raise ValueError(f"{name} of the state has shape {value.shape}, not {own.shape}")
        self._seen, self._recent, self._g = seen, recent, g


def rises(category: int, categories: int, *, lifts: Sequence[float], weight: float = 1.0) -> list[Alternative]:
    """Alternatives in which one category takes the share `lift` of all; they weigh `weight` together."""
    other = tuple(float(each == category) for each in range(categories))
    return [Alternative(lift, other, weight=weight / len(lifts)) for lift in lifts]

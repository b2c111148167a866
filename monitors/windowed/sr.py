"""CW-SR: Shiryaev-Roberts evidence in days, from clipped counts in overlapping 24-hour windows, read every hour.

Given the level theta ~ Gamma(mean 1, variance phi) of a window its hourly counts are Poisson(theta * expected).  The
likelihood ratio of "r times as many" is then a martingale within the window and may be read at any hour.  Clipping only
lowers counts, and with them the ratio, since r > 1.  The soft cap is the ratio against "a share eps of all days is
strange".  At most one is added for each window: the statistic minus the number of days is a supermartingale, so its
mean time to exceed A is at least A days while windows are independent given the season.  Where they are not, the clip,
the cap and the bounds of `dispersion` absorb it: that is shown by simulation, not proved.  A window that expects next
to nothing adds next to nothing, or a task without traffic would alarm after A days of silence.
(Shin, Ramdas, Rinaldo: E-detectors, 2023; Huber 1964 for clip and cap.)
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitors.windowed.arrays import Floats

WINDOW_H = 24
NO_CLIP = (0.0, float("inf"))
_LARGEST_LOG = 60.0  # of one window; far above any threshold, far below an overflow


class Standing(NamedTuple):
    """Where the evidence stands after an hour."""

    statistic: Floats  # (*b,)
    parts: Floats  # (*b, J): what each category adds to it
    ratio: Floats  # (*b, J): clipped counts over the most that is expected, in the window that is open longest


class Reading(NamedTuple):
    """Where a family of counts stands after an hour, for each stream."""

    evidence: Floats  # (*b,): log(statistic) / log(A), at least 0; an alarm above 1
    alarm: NDArray[np.bool_]  # (*b,): the statistic is above A, and the evidence has been reset
    worst: NDArray[np.int64]  # (*b,): the category that adds most
    score: Floats  # (*b,): clipped counts over the most that is expected, in the window that is open longest


def evidence(statistic: Floats, days: float | Floats) -> Floats:
    """log(statistic) / log(A), at least 0: 1 is an alarm, 0.5 is half of the way in orders of magnitude."""
    return np.asarray(np.log(np.maximum(statistic, 1.0)) / np.log(days))


class SRState(msgspec.Struct, frozen=True):
    """What `WindowSR` remembers."""

    hours: int
    closed: Floats  # (*b, P, J, a): the evidence at the end of the last whole window
    observed: Floats  # (*b, P, J): since then
    expected: Floats


class WindowSR:
    """Evidence that any of J counts is some multiple of what is expected."""

    def __init__(
        self,
        ratios: Floats,
        weights: Floats,
        *,
        phases: int = 4,
        clip: tuple[float | Floats, float | Floats] = (2.0, 2.0),
        eps: float | Floats = 0.0,
        whole: float = 1.0,
    ) -> None:
        """`ratios`: (*b, J, a), all above 1; `weights`: (*b, J, a) or (J, a), of sum 1.

        `clip` and `eps`: numbers or (*b,) each; an hour counts at most clip[0] * expected + clip[1].
        `phases` windows of 24 hours overlap, evenly spaced.
        `whole`: expected events from which on a window adds one; below, it adds its share of that.
        """
        self._ratios = ratios[..., None, :, :]
        self._logs = np.log(self._ratios)
        self._weights = weights[..., None, :, :]
        self._slope, self._offset = (np.asarray(part, float)[..., None] for part in clip)
        self._eps = np.asarray(eps, float)[..., None, None, None]
        self._whole = whole
        self._offsets = np.arange(phases) * (WINDOW_H // phases)
        shape = (*ratios.shape[:-2], phases, *ratios.shape[-2:])
        self._hours = 0
        self._closed = np.zeros(shape)
        self._observed, self._expected = np.zeros(shape[:-1]), np.zeros(shape[:-1])

    def hour(self, observed: Floats, expected: Floats, phi: Floats, upper: Floats) -> Standing:
        """Take an elapsed hour in, also one without traffic: (*b, J) each.

        `expected` is multiplied by `upper`, how far the baseline may be too low; `phi` is above 0.
        """
        expected = expected * upper
        clipped = np.minimum(observed, self._slope * expected + self._offset)
        self._observed += clipped[..., None, :]
        self._expected += expected[..., None, :]
        self._hours += 1
        begun = np.minimum(self._expected / self._whole, 1.0)[..., None]
        g = (self._closed + begun) * self._likelihood_ratio(phi[..., None, :])
        parts = (g * self._weights).sum(-1).mean(-2)
        standing = Standing(parts.sum(-1), parts, self._ratio())
        self._close(g)
        return standing

    def reset(self, where: NDArray[np.bool_]) -> None:
        """Forget all evidence of the chosen streams, (*b,), as after an alarm."""
        for array in (self._closed, self._observed, self._expected):
            array[where] = 0.0

    def state(self) -> SRState:
        """The memory, as it is now."""
        return SRState(self._hours, self._closed.copy(), self._observed.copy(), self._expected.copy())

    def restore(self, state: SRState) -> None:
        """Continue from `state`.

        Raises:
            ValueError: it belongs to other categories, ratios or phases.
        """
        if state.closed.shape != self._closed.shape or state.observed.shape != self._observed.shape:
            raise ValueError(f"the state has shape {state.closed.shape}, not {self._closed.shape}")
        self._hours = state.hours
        self._closed, self._observed, self._expected = (
            array.copy() for array in (state.closed, state.observed, state.expected)
        )

    def _likelihood_ratio(self, phi: Floats) -> Floats:
        """Of each window so far, soft-capped: (*b, P, J, a)."""
        counts, mean = self._observed[..., None], (phi * self._expected)[..., None]
        log = counts * self._logs + (counts + 1 / phi[..., None]) * (np.log1p(mean) - np.log1p(mean * self._ratios))
        ratio = np.exp(np.minimum(log, _LARGEST_LOG))
        return np.asarray(ratio / (1 - self._eps + self._eps * ratio))

    def _ratio(self) -> Floats:
        oldest = int(np.argmax((self._hours - 1 + self._offsets) % WINDOW_H))
        return np.asarray(self._observed[..., oldest, :] / np.maximum(self._expected[..., oldest, :], 1e-9))

    def _close(self, g: Floats) -> None:
        ending = (self._hours + self._offsets) % WINDOW_H == 0
        if ending.any():
            self._closed[..., ending, :, :] = g[..., ending, :, :]
            self._observed[..., ending, :] = 0.0
            self._expected[..., ending, :] = 0.0

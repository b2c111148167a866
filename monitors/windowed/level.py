"""The local level: follows slow changes of how often categories occur, but on a leash."""

from __future__ import annotations

import msgspec
import numpy as np

from monitors.windowed.arrays import Floats

HALF_LIFE_DAYS = 7.0
GAP_DAYS = 2  # the newest days that a level does not know yet: what begins today is not taken for normal tomorrow
LEASH = 3.0  # it never moves further than by this factor
_PRIOR_DAYS = 2.0
_KEEP = 0.5 ** (1 / HALF_LIFE_DAYS)


class LocalLevel(msgspec.Struct, frozen=True):
    """Factors on the expected counts of a day, from the days up to two days before it.  Immutable."""

    prior: Floats  # (*b, J): expected counts of the days that speak for a factor of one
    observed: Floats  # (*b, J): discounted sums
    expected: Floats
    weight: Floats  # (*b, 1): discounted number of days with traffic, and with squared weights
    squares: Floats
    pending: tuple[tuple[Floats, Floats], ...] = ()  # observed and expected of the days it does not know yet

    @classmethod
    def begin(cls, daily: Floats) -> LocalLevel:
        """The level before the first day; `daily`: expected counts of a mean day, (*b, J)."""
        none, no_days = np.zeros_like(daily), np.zeros((*daily.shape[:-1], 1))
        return cls(_PRIOR_DAYS * daily, none, none, no_days, no_days)

    def after(self, observed: Floats, expected: Floats) -> LocalLevel:
        """The level for the day after one with these counts, `expected` being without the factor: (*b, J) each.

        A day without traffic expects nothing and lets the earlier ones fade.
        """
        pending = (*self.pending, (observed, expected))
        if len(pending) < GAP_DAYS:
            return msgspec.structs.replace(self, pending=pending)
        (known, of), *waiting = pending
        day = (of.sum(-1, keepdims=True) > 0).astype(float)
        return LocalLevel(
            self.prior,
            _KEEP * self.observed + known,
            _KEEP * self.expected + of,
            _KEEP * self.weight + day,
            _KEEP**2 * self.squares + day,
            tuple(waiting),
        )

    @property
    def factor(self) -> Floats:
        """What the expected counts are multiplied by: (*b, J), between 1/2 and 2."""
        ratio = (self.observed + self.prior) / np.maximum(self.expected + self.prior, 1e-12)
        return np.clip(ratio, 1 / LEASH, LEASH)

    @property
    def days(self) -> Floats:
        """Effective number of days that the factor stands on: (*b, 1)."""
        return np.asarray((self.weight + _PRIOR_DAYS) ** 2 / (self.squares + _PRIOR_DAYS))

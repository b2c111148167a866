"""How much days differ beyond chance, and how far the truth may lie above the baseline.

Given the level theta of a day, of mean 1 and variance phi, its counts are Poisson(theta * expected): their variance is
expected + phi * expected^2.  Both numbers here are pessimistic bounds, so that an unlucky reference does not alarm.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from monitors.windowed.arrays import Floats

_LEVEL = 0.8  # one-sided confidence of both bounds
_PRIOR_DAYS = 4.0  # weight of the prior of phi
_LEAST = 1e-4


def dispersion(observed: Floats, expected: Floats, *, lost: int, prior: float, pool: float = 0.0) -> Floats:
    """The upper bound of phi from day totals: (*b, D, J) each to (*b, J).

    Moments give phi; it is averaged with `prior` as if that came from 4 days and, with `pool`, before that with the
    mean over the categories as if from that many days.  `lost` days are used up by what was fitted to the same days.
    """
    days, total = observed.shape[-2], expected.sum(-2)
    free = max(days - lost, 0)
    phi = np.full(total.shape, prior)
    if free:
        excess = ((observed - expected) ** 2).sum(-2) * days / free - total
        phi = np.maximum(excess / np.maximum((expected**2).sum(-2), 1e-9), 0.0)
        if pool:
            mean = (phi * total).sum(-1, keepdims=True) / np.maximum(total.sum(-1, keepdims=True), 1e-9)
            phi = (free * phi + pool * mean) / (free + pool)
    weighed = _PRIOR_DAYS * prior + free * phi
    return np.asarray(np.maximum(weighed / _chi2_quantile(1 - _LEVEL, _PRIOR_DAYS + free), _LEAST))


def effective_events(total: Floats, phi: Floats, days: float | Floats) -> Floats:
    """Events that would tell as much if days did not differ: `total` expected in `days` days, in variance."""
    return np.asarray(total / (1 + phi * total / days))


def upper_factor(events: Floats, *, level: float = _LEVEL) -> Floats:
    """How many times a rate estimated from so many effective events the true one may be: an upper confidence bound.

    Garwood's bound (1936) of a Poisson mean over its estimate.
    """
    return np.asarray(_gamma_quantile(level, events + 1) / np.maximum(events, 0.5))


def _gamma_quantile(level: float, shape: Floats) -> Floats:
    """Quantile of the gamma distribution with scale 1, for shape >= 1 (Wilson and Hilferty 1931; within 1 % here)."""
    third = 1 / (9 * shape)
    return np.asarray(shape * (1 - third + NormalDist().inv_cdf(level) * np.sqrt(third)) ** 3)


def _chi2_quantile(level: float, freedom: float) -> Floats:
    return 2 * _gamma_quantile(level, np.asarray(freedom / 2))

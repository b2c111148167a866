from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, gamma

from monitors.windowed.dispersion import dispersion, effective_events, upper_factor


def counts(phi: float, *, days: int, streams: int = 400, mean: float = 200.0) -> np.ndarray:
    """Day totals of gamma-Poisson streams: (streams, days, 1)."""
    rng = np.random.default_rng(5)
    level = rng.gamma(1 / phi, phi, (streams, days, 1)) if phi else np.ones((streams, days, 1))
    return rng.poisson(mean * level).astype(float)


@pytest.mark.parametrize("phi", [0.0, 0.01, 0.05, 0.3])
def test_recovers_a_known_phi(phi: float) -> None:
    """With many days the bound is close to the truth, and a little above it."""
    observed = counts(phi, days=400)
    found = dispersion(observed, np.full(observed.shape, 200.0), lost=0, prior=0.03)
    assert phi * 0.99 <= np.median(found) <= phi * 1.3 + 0.002


@pytest.mark.parametrize(("phi", "days"), [(0.05, 14), (0.1, 14), (0.05, 28)])
def test_is_seldom_too_small(phi: float, days: int) -> None:
    """It is an 80 % bound: nearly four in five references give at least the truth, though levels are not normal."""
    observed = counts(phi, days=days, streams=2000)
    found = dispersion(observed, np.full(observed.shape, 200.0), lost=0, prior=phi)
    assert (found >= phi).mean() > 0.76


def test_equals_the_formula() -> None:
    """Moments, pooling, prior and bound are those of the formula, with the chi-squared quantile within 1 %."""
    rng = np.random.default_rng(2)
    observed, expected = rng.poisson(30, (14, 3)).astype(float), rng.uniform(20, 40, (14, 3))
    raw = [
        max(
            (sum((observed[d, j] - expected[d, j]) ** 2 for d in range(14)) * 14 / 12 - expected[:, j].sum())
            / sum(expected[d, j] ** 2 for d in range(14)),
            0.0,
        )
        for j in range(3)
    ]
    mean = float(np.average(raw, weights=expected.sum(0)))
    literal = [(4 * 0.1 + 12 * (12 * phi + 6 * mean) / 18) / chi2.ppf(0.2, 16) for phi in raw]
    np.testing.assert_allclose(dispersion(observed, expected, lost=2, prior=0.1, pool=6), literal, rtol=0.01)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_too_few_days_leave_the_prior(days: int) -> None:
    """Where fitting used up all days, the bound of the prior is all there is."""
    observed, expected = np.full((days, 2), 50.0), np.full((days, 2), 10.0)
    found = dispersion(observed, expected, lost=2, prior=0.05, pool=6)
    np.testing.assert_allclose(found, 4 * 0.05 / chi2.ppf(0.2, 4), rtol=0.01)


def test_a_batch_is_many_tasks() -> None:
    """Each task of a batch has the phi that it has alone, also when categories are pooled."""
    observed = np.random.default_rng(8).poisson(20, (3, 14, 4)).astype(float)
    expected = np.full(observed.shape, 20.0)
    together = dispersion(observed, expected, lost=2, prior=0.1, pool=6)
    for number in range(3):
        np.testing.assert_allclose(
            together[number], dispersion(observed[number], expected[number], lost=2, prior=0.1, pool=6)
        )


@pytest.mark.parametrize("level", [0.8, 0.975])
def test_upper_factor_is_the_gamma_quantile(level: float) -> None:
    """The factor is the upper bound of a Poisson mean over its estimate, within 1 %."""
    events = np.array([0.0, 0.5, 1.0, 2.0, 10.0, 100.0, 1e4, 1e6])
    exact = gamma.ppf(level, events + 1) / np.maximum(events, 0.5)
    np.testing.assert_allclose(upper_factor(events, level=level), exact, rtol=0.01)


def test_days_that_differ_tell_less() -> None:
    """Effective events fall with phi, towards one observation a day."""
    total = np.array([1e6, 1e6, 100.0])
    np.testing.assert_allclose(
        effective_events(total, np.array([0.0, 0.1, 0.0]), 14), [1e6, 1e6 / (1 + 1e5 / 14), 100.0]
    )

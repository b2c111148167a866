from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed.seasons import expected_by_day, flat_rate, seasonal_rate


def history(batch: tuple[int, ...] = (), days: int = 14) -> tuple[Any, Any, Any]:
    """Counts of two categories, exposures, and which days are weekend days."""
    rng = np.random.default_rng(1)
    exposure = rng.poisson(40, (*batch, days, 24, 2)).astype(float)
    return rng.binomial(exposure.astype(int), 0.1).astype(float), exposure, np.arange(days) % 7 >= 5


def literal_rate(observed: Any, exposure: Any, weekend: Any) -> Any:
    """The same for one task, hour by hour."""
    days, _, categories = observed.shape
    rate = np.zeros((2, 24, categories))
    for j in range(categories):
        o, x = observed[:, :, j].sum(), exposure[:, :, j].sum()
        flat = (o + 0.5) / (x + 0.5 / max(o / x, 0.02))
        for kind in (0, 1):
            chosen = [day for day in range(days) if weekend[day] == bool(kind)]
            for hour in range(24):
                near = [(abs(step), (hour + step) % 24) for step in (-2, -1, 0, 1, 2)]
                a = sum((3 - far) * observed[day, h, j] for day in chosen for far, h in near)
                b = sum((3 - far) * exposure[day, h, j] for day in chosen for far, h in near)
                own = a / b if b > 0 else flat
                rate[kind, hour, j] = (len(chosen) * own + flat) / (len(chosen) + 1)
    return rate


def test_equals_the_formula() -> None:
    """Rates are smoothed over neighbouring hours and shrunk by a day, as a transcription by loops has it."""
    observed, exposure, weekend = history()
    np.testing.assert_allclose(seasonal_rate(observed, exposure, weekend), literal_rate(observed, exposure, weekend))


def test_a_batch_is_many_tasks() -> None:
    """Each task of a batch has the rates that it has alone."""
    observed, exposure, weekend = history((3,))
    together = seasonal_rate(observed, exposure, weekend)
    for number in range(3):
        np.testing.assert_allclose(together[number], seasonal_rate(observed[number], exposure[number], weekend))


def test_finds_night_and_weekend() -> None:
    """What happens at night and on weekends only is expected there, and hardly elsewhere."""
    observed, exposure = np.zeros((28, 24, 1)), np.full((28, 24, 1), 100.0)
    weekend = np.arange(28) % 7 >= 5
    observed[weekend, :6] = 20.0
    rate = seasonal_rate(observed, exposure, weekend)
    assert rate[1, 3, 0] == pytest.approx(0.2, abs=0.03)
    assert rate[0].max() < 0.01
    assert rate[1, 12, 0] < 0.01


@pytest.mark.parametrize("weekend", [np.zeros(5, bool), np.ones(5, bool)])
def test_without_days_of_a_kind_there_is_the_flat_rate(weekend: Any) -> None:
    """Hours of a kind of day that was never seen are expected to be as all others."""
    observed, exposure, _ = history(days=5)
    rate = seasonal_rate(observed, exposure, weekend)
    unseen = rate[0 if weekend.all() else 1]
    np.testing.assert_allclose(unseen, np.broadcast_to(flat_rate(observed, exposure), unseen.shape))


def test_nothing_is_impossible() -> None:
    """A category that was never seen has a small rate above zero, also when there was no exposure."""
    none = np.zeros((7, 24, 1))
    assert 0 < flat_rate(none, none + 10.0)[0] < 1e-3
    assert np.isfinite(flat_rate(none, none)).all()


def test_expected_days_add_up_to_what_was_seen() -> None:
    """Over the reference days the expected counts are, but for smoothing and shrinkage, the observed ones."""
    observed, exposure, weekend = history()
    expected = expected_by_day(exposure, seasonal_rate(observed, exposure, weekend), weekend)
    assert expected.shape == (14, 2)
    np.testing.assert_allclose(expected.sum(0), observed.sum((0, 1)), rtol=0.01)

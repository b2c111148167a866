from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed import arrays
from monitors.windowed.level import LocalLevel


def literal_factors(observed: Any, expected: Any, daily: Any) -> list[tuple[Any, float]]:
    """Factor and effective days for every day, from plain sums over the days two or more before it."""
    keep, found = 0.5 ** (1 / 7), []
    for day in range(len(observed) + 1):
        known = range(day - 1)
        weight = [keep ** (day - 2 - d) for d in known]
        o = sum((w * observed[d] for w, d in zip(weight, known, strict=True)), np.zeros_like(daily))
        e = sum((w * expected[d] for w, d in zip(weight, known, strict=True)), np.zeros_like(daily))
        factor = np.clip((o + 2 * daily) / (e + 2 * daily), 1 / 3, 3.0)
        found.append((factor, (sum(weight) + 2) ** 2 / (sum(w * w for w in weight) + 2)))
    return found


def run(level: LocalLevel, observed: Any, expected: Any) -> list[LocalLevel]:
    """The levels before the first and after each day."""
    levels = [level]
    for o, e in zip(observed, expected, strict=True):
        levels.append(levels[-1].after(o, e))
    return levels


def test_equals_the_formula() -> None:
    """Day by day, factor and effective days are those of the plain sums."""
    rng = np.random.default_rng(4)
    expected = rng.uniform(5, 50, (30, 3))
    observed = rng.poisson(expected * [1.0, 5.0, 0.7]).astype(float)
    daily = expected[:14].mean(0)
    levels = run(LocalLevel.begin(daily), observed, expected)
    for level, (factor, days) in zip(levels, literal_factors(observed, expected, daily), strict=True):
        np.testing.assert_allclose(level.factor, factor)
        assert level.days[0] == pytest.approx(days)


@pytest.mark.parametrize(("growth", "limit"), [(10.0, 3.0), (0.01, 1 / 3)])
def test_stays_on_the_leash(growth: float, limit: float) -> None:
    """However much a category changes, the level goes no further than by three."""
    daily = np.array([20.0])
    levels = run(LocalLevel.begin(daily), [daily * growth] * 60, [daily] * 60)
    assert levels[-1].factor[0] == limit


def test_knows_yesterday_only_tomorrow() -> None:
    """What a day counted moves the factor of the second day after it, not of the next."""
    daily = np.array([20.0])
    level = LocalLevel.begin(daily)
    after_one = level.after(2 * daily, daily)
    assert after_one.factor[0] == 1.0
    assert after_one.after(daily, daily).factor[0] > 1.0
    assert level.factor[0] == 1.0, "a level is never changed"


def test_follows_half_of_a_step_in_a_week() -> None:
    """Seven known days weigh as much as everything before them."""
    daily = np.array([100.0])
    level = run(LocalLevel.begin(daily), [daily] * 200, [daily] * 200)[-1]
    level = run(level, [1.4 * daily] * 8, [daily] * 8)[-1]  # seven of them are known
    assert level.factor[0] == pytest.approx(1.2, abs=0.04)


def test_days_without_traffic_fade() -> None:
    """After a long silence the level is that of the reference again, and it stands on little."""
    daily, none = np.array([50.0, 50.0]), np.zeros(2)
    level = run(LocalLevel.begin(daily), [1.5 * daily] * 30, [daily] * 30)[-1]
    assert level.factor[0] > 1.3
    faded = run(level, [none] * 60, [none] * 60)[-1]
    assert faded.factor[0] == pytest.approx(1.0, abs=0.01)
    assert faded.days[0] < 2.1


def test_continues_from_json() -> None:
    """Stored and restored, it is exactly the same level, waiting days included."""
    rng = np.random.default_rng(6)
    level = LocalLevel.begin(np.array([10.0, 20.0]))
    for _ in range(5):
        day = rng.poisson([10, 30]).astype(float)
        again = arrays.decode(arrays.encode(level), LocalLevel).after(day, np.array([10.0, 20.0]))
        level = level.after(day, np.array([10.0, 20.0]))
        np.testing.assert_array_equal(again.factor, level.factor)
        np.testing.assert_array_equal(again.days, level.days)

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from domain.ports import Observation
from monitors.detectors.mann_whitney import RepeatedMannWhitney

REFERENCE = np.random.default_rng(1).random(500)


def run(one: RepeatedMannWhitney, values):
    """What it says of each value."""
    return [one.update(Observation(at=0.0, counts=(float(value),))) for value in values]


def test_it_looks_at_full_windows_only():
    """Between two looks nothing alarms, and the last p-value stands."""
    window = np.random.default_rng(2).random(50)
    found = run(RepeatedMannWhitney(REFERENCE, window=50), [*window, *window[:20]])
    p_value = mannwhitneyu(window, REFERENCE, alternative="greater").pvalue
    assert [each.score for each in found] == [1.0] * 49 + [pytest.approx(p_value)] * 21
    assert not any(each.alarm for each in found)


def test_larger_values_alarm_at_the_end_of_their_window():
    """Values above the whole reference have a p-value below any level; smaller ones have none."""
    larger = run(RepeatedMannWhitney(REFERENCE, window=50), [2.0] * 100)
    assert [number for number, each in enumerate(larger, 1) if each.alarm] == [50, 100]
    assert not any(each.alarm for each in run(RepeatedMannWhitney(REFERENCE, window=50), [-1.0] * 100))


def test_repeated_looks_alarm_by_chance():
    """The weakness that ours does not have: a level of 5 % is one look's, over 100 looks several alarm."""
    found = run(RepeatedMannWhitney(REFERENCE, level=0.05, window=50), np.random.default_rng(3).random(5000))
    assert sum(each.alarm for each in found) >= 2


def test_a_state_of_a_longer_window_is_refused():
    """A window that is more than full would never be looked at."""
    other = RepeatedMannWhitney(REFERENCE, window=100)
    run(other, [0.0] * 60)
    with pytest.raises(ValueError, match="60 values"):
        RepeatedMannWhitney(REFERENCE, window=50).restore(other.state())

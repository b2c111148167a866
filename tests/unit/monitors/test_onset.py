from __future__ import annotations

import numpy as np
import pytest

from monitors.onset import onset


def sequence(*parts, seed=1):
    """Events at a rate for a number of observations, one part after the other."""
    rng = np.random.default_rng(seed)
    return [bool(event) for rate, count in parts for event in rng.random(count) < rate]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [True] * 30,
        [False] * 500,
        [True] * 500,
        sequence((0.05, 2000)),
        sequence((0.3, 500), (0.05, 500)),  # less frequent is no onset
    ],
)
def test_without_a_rise_there_is_no_onset(events):
    """Too few, all alike, and falling events tell of none."""
    assert onset(events) is None


@pytest.mark.parametrize(
    ("before", "rate", "after"), [(600, 1.0, 40), (600, 0.5, 100), (600, 0.25, 400), (50, 0.4, 900)]
)
def test_a_rise_is_found_where_it_is(before, rate, after):
    """The place is right to a few per cent of the sequence, early and late in it."""
    found = onset(sequence((0.05, before), (rate, after)))
    assert found is not None
    assert abs(found - before) <= 0.05 * (before + after)


def test_chance_is_seldom_taken_for_an_onset():
    """Of 1,000 sequences without a change, a few at most seem to have one."""
    assert sum(onset(sequence((0.05, 2000), seed=seed)) is not None for seed in range(1000)) <= 5

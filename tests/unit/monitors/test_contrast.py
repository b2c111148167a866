from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact

from monitors.contrast import Sample, false_discovery_rates, grouped, higher, summed


def plain(size: int, events: int) -> Sample:
    """A sample without weights."""
    return summed(np.ones(size), np.arange(size) < events)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ((20, 4), (980, 49)),
        ((100, 30), (100, 10)),
        ((1000, 80), (1000, 50)),
        ((900, 90), (30, 1)),  # here is the larger sample
        ((19_000, 1000), (300, 10)),
        ((20, 1), (20, 1)),
        ((20, 20), (500, 300)),
        ((25, 0), (500, 30)),
        ((25, 10), (500, 500)),
    ],
)
def test_without_weights_it_is_fishers_exact_test(here, there):
    """Altham's form gives the p-value of the table."""
    table = [[here[1], here[0] - here[1]], [there[1], there[0] - there[1]]]
    known = fisher_exact(table, alternative="greater").pvalue
    assert higher(plain(*here), plain(*there)) == pytest.approx([known], rel=0.01)


def test_equal_weights_are_as_none():
    """Only ratios of weights matter."""
    one = summed(np.full(50, 100.0), np.arange(50) < 9)
    assert one.size == pytest.approx([50])
    assert higher(one, plain(400, 20)) == pytest.approx(higher(plain(50, 9), plain(400, 20)))


@pytest.mark.parametrize(
    ("weights", "events", "size"),
    [
        ([1.0] * 10, [1] * 3 + [0] * 7, 10.0),
        ([10.0] + [1.0] * 10, [0] * 11, 400 / 110),  # Kish: nothing else is known
        ([10.0] * 2 + [1.0] * 180, [1] * 2 + [0] * 180, 21.98),  # the heavy ones are the events; Kish's is 105
        ([10.0] * 18 + [1.0] * 20, [0] * 18 + [1] * 20, 200**2 / 1820),  # the light ones are: Kish's is the smaller
    ],
)
def test_the_size_is_that_of_a_sample_as_precise(weights, events, size):
    """Kish's, or the smaller one that the variance of the estimate tells."""
    assert summed(np.array(weights), np.array(events, float)).size == pytest.approx([size], rel=0.01)


def test_groups_may_share_observations_and_leave_a_rest():
    """Sums are by group; what is outside is the whole without the inside."""
    weights, events = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 0.0, 1.0, 0.0])
    inside = grouped(weights, events, rows=np.array([0, 1, 1, 3]), groups=np.array([0, 0, 1, 1]), most=3)
    assert inside.weight.tolist() == [3.0, 10.0, 0.0]
    assert inside.events.tolist() == [1.0, 0.0, 0.0]
    outside = summed(weights, events).without(inside)
    assert outside.weight.tolist() == [12.0, 5.0, 15.0]
    assert outside.events.tolist() == [4.0, 5.0, 5.0]
    assert outside.of(np.array([1])).count.tolist() == [2.0]


def test_p_values_keep_their_level_under_unequal_sampling():
    """Where there is no difference, at most 5 % of the p-values are below 5 %, and 1 % below 1 %.

    A tenth of the traffic disagrees half of the time and is asked ten times as often, or as seldom: the weights go with
    the events either way.
    """
    rng = np.random.default_rng(5)
    for flagged, ordinary in ((0.2, 0.02), (0.02, 0.2)):
        found = []
        for _ in range(1000):
            novel = rng.random(3000) < 0.1
            chance = np.where(novel, flagged, ordinary)
            asked = rng.random(3000) < chance
            events = (rng.random(3000) < np.where(novel, 0.5, 0.05))[asked].astype(float)
            weights, here = 1 / chance[asked], np.flatnonzero(rng.random(asked.sum()) < 0.3)
            inside = grouped(weights, events, rows=here, groups=np.zeros(len(here), int), most=1)
            found.append(higher(inside, summed(weights, events).without(inside))[0])
        assert np.mean(np.array(found) <= 0.05) <= 0.05 + 0.01
        assert np.mean(np.array(found) <= 0.01) <= 0.01 + 0.005


@given(st.lists(st.floats(0, 1), max_size=30))
def test_false_discovery_rates_are_those_of_benjamini_and_hochberg(p_values):
    """In any order, with ties, and for none at all."""
    known = false_discovery_control(p_values, method="bh") if p_values else []
    assert false_discovery_rates(np.array(p_values)) == pytest.approx(known)

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors import shares


@pytest.mark.parametrize(
    ("count", "of", "share", "lower", "upper"),
    [(0, 0, 0.0, 0.0, 1.0), (0, 10, 0.0, 0.0, 0.278), (5, 10, 0.5, 0.237, 0.763), (10, 10, 1.0, 0.722, 1.0)],
)
def test_a_share_has_wilsons_interval(count, of, share, lower, upper):
    """The interval stays inside of [0, 1]; none of none says nothing."""
    found = shares.counted(count, of)
    assert (found.share, round(found.lower, 3), round(found.upper, 3)) == (share, lower, upper)


@pytest.mark.parametrize(("now", "before"), [((0, 0), (1, 2)), ((1, 2), (0, 0))])
def test_there_is_no_change_against_nothing(now, before):
    """A share of no input cannot have changed."""
    assert shares.change(shares.counted(*now), shares.counted(*before)) is None


def test_a_change_is_a_ratio_that_its_interval_holds():
    """Three times as large, for sure larger; and a cluster without a single input is no division by zero."""
    found = shares.change(shares.counted(300, 1000), shares.counted(100, 1000))
    assert found is not None
    assert (round(found.times, 2), found.lower > 2, found.upper < 4) == (2.99, True, True)
    none = shares.change(shares.counted(0, 100), shares.counted(0, 100))
    assert none is not None
    assert none.lower < 1 < none.upper


@given(st.integers(0, 500), st.integers(0, 500), st.integers(500, 10_000), st.integers(500, 10_000))
def test_a_change_back_is_the_inverse(a, b, n, m):
    """Whatever the shares: there and back is no change, and the interval holds the ratio."""
    there, back = (
        shares.change(*both) for both in itertools.permutations((shares.counted(a, n), shares.counted(b, m)))
    )
    assert there is not None
    assert back is not None
    assert there.lower <= there.times <= there.upper
    assert there.times * back.times == pytest.approx(1.0)
    assert there.lower * back.upper == pytest.approx(1.0)


def test_the_interval_of_a_change_covers_the_truth():
    """Of many pairs of samples, about 95 % have the true ratio in their interval."""
    rng = np.random.default_rng(5)
    hits = 0
    for now, before in zip(rng.binomial(800, 0.12, 1000), rng.binomial(2000, 0.06, 1000), strict=True):
        found = shares.change(shares.counted(int(now), 800), shares.counted(int(before), 2000))
        assert found is not None
        hits += found.lower <= 2.0 <= found.upper
    assert 0.93 <= hits / 1000 <= 0.98


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ([], [], []),
        ([0, 0], [50, 50], [False, False]),  # no input now
        ([50, 50], [0, 0], [False, False]),  # no reference
        ([500, 500], [500, 500], [False, False]),
        ([700, 300], [500, 500], [True, False]),  # what shrank has not grown
        ([6, 4], [500, 500], [False, False]),  # too few to tell
    ],
)
def test_only_what_grew_for_sure_is_said_to_have_grown(now, before, expected):
    """One-sided, and it needs inputs enough."""
    both = ([shares.counted(count, sum(rows)) for count in rows] for rows in (now, before))
    assert shares.grown(*both) == expected


def test_few_unchanged_clusters_are_said_to_have_grown():
    """With 30 clusters that did not change, a cluster is named in at most about one of twenty reports."""
    rng = np.random.default_rng(3)
    weights = rng.dirichlet(np.ones(30))
    named = 0
    for _ in range(150):
        now, before = ([shares.counted(int(c), n) for c in rng.multinomial(n, weights)] for n in (1000, 2000))
        named += any(shares.grown(now, before))
    assert named <= 150 * 0.08

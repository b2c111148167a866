from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.category_sr import Alternative, CategorySR, Memory, rises

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=5)
MIXED = (Alternative(0.4, memory=20.0), Alternative(0.9, memory=5.0, weight=2.0))


def alternatives(categories: int) -> list[Alternative]:
    """Of both kinds, with unequal weights."""
    return [*rises(categories - 1, categories, lifts=(0.05, 0.3), weight=3.0), *MIXED]


def run(categories, counts=(40, 30, 30), ceiling=None) -> CategorySR:
    """One process that has seen these."""
    sr = CategorySR(counts, alternatives(len(counts)), ceiling=ceiling)
    for category in categories:
        sr.update(category)
    return sr


def usual(counts, seen) -> np.ndarray:
    """The predictive probabilities, computed apart."""
    totals = np.asarray(counts, float) + 0.5 + np.bincount(seen, minlength=len(counts))
    return totals / totals.sum()


@given(counts=COUNTS, seed=st.integers(0, 1000), length=st.integers(0, 15))
@settings(max_examples=30)
def test_evidence_grows_by_one_in_the_mean(counts, seed, length):
    """Whatever was seen before, the mean of the next statistic over the predictive is the statistic plus one."""
    seen = np.random.default_rng(seed).integers(len(counts), size=length).tolist()
    before = run(seen, counts).statistic
    after = [run([*seen, category], counts).statistic for category in range(len(counts))]
    assert float(usual(counts, np.array(seen, int)) @ after) == pytest.approx(before + 1, rel=1e-9)


def test_the_recursion_is_the_sum_over_all_change_points():
    """Its statistic is the sum, over all starts, of the likelihood ratio from there on."""
    counts, seen, lift = [40, 10], [0, 1, 1, 0, 1], 0.2
    sr = CategorySR(counts, rises(1, 2, lifts=[lift]))
    ratios = []
    for number, category in enumerate(seen):
        p = usual(counts, np.array(seen[:number], int))[category]
        ratios.append(((1 - lift) * p + lift * (category == 1)) / p)
        sr.update(category)
    assert sr.statistic == pytest.approx(sum(math.prod(ratios[start:]) for start in range(len(ratios))))


def test_streams_do_not_touch_each_other():
    """Several at once are each what they are alone."""
    counts = [[40, 30, 30], [10, 80, 10]]
    both = CategorySR(counts, alternatives(3))
    streams = np.random.default_rng(1).integers(3, size=(60, 2))
    for row in streams:
        both.update(row)
    alone = [run(streams[:, each].tolist(), counts[each]).statistic for each in range(2)]
    assert both.statistics == pytest.approx(alone)


def test_weights_are_relative():
    """Alternatives that weigh three times as much count three times as much."""
    first, second = rises(1, 2, lifts=[0.1]), rises(1, 2, lifts=[0.5], weight=3.0)
    parts = []
    for each in (first, second, [*first, *second]):
        sr = CategorySR([9, 1], each)
        sr.update(1)
        parts.append(sr.statistic)
    assert parts[2] == pytest.approx((parts[0] + 3 * parts[1]) / 4)


def test_a_larger_reference_is_believed_more():
    """The same events are stronger evidence against shares that are better known."""
    assert run([2] * 10, (900, 50, 50)).statistic > 2 * run([2] * 10, (9, 0.5, 0.5)).statistic


def test_a_ceiling_keeps_what_is_bad_from_becoming_usual():
    """A process with one goes on to gather evidence where one without has learned the new level."""
    rng, found = np.random.default_rng(2), {}
    seen = Memory([1800.0, 1200.0], [], [0.0])  # at 40 %, where the reference had 5
    for ceiling in (None, 0.1):
        sr = CategorySR([95, 5], rises(1, 2, lifts=[0.1]), ceiling=ceiling)
        sr.restore(seen)
        for event in rng.random(200) < 0.4:
            sr.update(int(event))
        found[ceiling] = sr.statistic
    assert found[0.1] > 1e6
    assert found[None] < 1e3


def test_recent_shares_see_a_change_of_many_categories():
    """Three of twelve categories take half of the traffic: no single one grows much, together they are seen in 150."""
    rng = np.random.default_rng(3)
    together = CategorySR(np.full(12, 100), [Alternative(0.9, memory=50.0)])
    drawn = np.where(rng.random(150) < 0.5, rng.integers(3, size=150), rng.integers(12, size=150))
    for category in drawn:
        together.update(category)
    assert together.statistic > 1e4
    assert together.most_grown in {0, 1, 2}
    assert 0.2 < together.distance < 0.7


def test_the_category_that_grew_is_named():
    """It is the one that takes a third of the traffic, not the largest."""
    rng = np.random.default_rng(4)
    assert run(np.where(rng.random(100) < 0.33, 1, 0).tolist(), (80, 5, 15)).most_grown == 1


def test_it_goes_on_from_its_memory():
    """A restored process says what one says that never stopped."""
    seen = np.random.default_rng(5).integers(3, size=100).tolist()
    steady, other = run(seen[:50]), run([])
    other.restore(run(seen[:50]).memory())
    for category in seen[50:]:
        steady.update(category)
        other.update(category)
    assert other.memory() == steady.memory()
    assert other.statistic == steady.statistic > 0


@pytest.mark.parametrize("memories", [True, False])
@pytest.mark.parametrize("field", ["seen", "recent", "g"])
def test_what_does_not_fit_is_refused_whole(field, memories):
    """Memory of other categories or alternatives raises, and changes nothing."""
    sr = CategorySR([1, 2, 3], alternatives(3) if memories else rises(0, 3, lifts=[0.1]))
    sr.update(1)
    before = sr.memory()
    parts = {"seen": before.seen, "recent": before.recent, "g": before.g}
    wrong = Memory(**parts | {field: [[1.0, 2.0]] if field == "recent" else [1.0, 2.0]})
    with pytest.raises(ValueError, match="shape"):
        sr.restore(wrong)
    assert sr.memory() == before


def test_a_reset_goes_back_to_the_reference():
    """Nothing of what was seen is left."""
    sr = run([2] * 30)
    sr.reset()
    assert (sr.memory(), sr.statistic) == (run([]).memory(), 0.0)


def test_endless_observations_neither_overflow_nor_fade():
    """Five thousand of one category leave finite numbers, and another may still come."""
    sr = CategorySR([5, 5], [Alternative(0.9, memory=5.0), *rises(0, 2, lifts=[0.5])])
    for _ in range(5000):
        sr.update(0)
    sr.update(1)
    assert math.isfinite(sr.statistic)
    assert math.isfinite(sr.distance)
    assert sr.most_grown in {0, 1}


@pytest.mark.slow
def test_the_budget_holds_over_many_references():
    """With a new reference of 300 for each of 400 streams, no more alarm within half of A than half of them."""
    rng, threshold = np.random.default_rng(6), 1000.0
    shares = rng.dirichlet(np.ones(6), size=400)
    sr = CategorySR(np.array([rng.multinomial(300, row) for row in shares]), alternatives(6))
    alarmed = np.zeros(400, bool)
    edges = shares.cumsum(1)
    for _ in range(500):
        sr.update((rng.random((400, 1)) > edges[:, :-1]).sum(1))
        alarmed |= sr.statistics > threshold
    assert 0.02 < alarmed.mean() <= 0.5

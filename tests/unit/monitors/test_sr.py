from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from monitors.sr import LIFTS, ExceedanceSR, evidence, two_sided, upper_bound

BOUNDS = st.floats(1e-4, 0.999)


def first_alarms(bounds: np.ndarray, events: np.ndarray, *, threshold: float, per_stream: int = 1) -> np.ndarray:
    """The step at which each stream exceeds the threshold, or the number of steps; `events`: (steps, streams * J)."""
    sr = ExceedanceSR(bounds.tolist())
    found = np.full(len(bounds) // per_stream, len(events))
    for step, row in enumerate(events):
        sr.update(row)
        means = np.asarray(sr.values()).reshape(len(found), -1).mean(1)
        found = np.where((means > threshold) & (found == len(events)), step, found)
    return found


@given(bound=BOUNDS, share=st.floats(0, 1))
def test_evidence_does_not_grow_by_itself(bound, share):
    """While the rate is at most its bound, G - n is a supermartingale: the mean factor is at most 1."""
    grown, shrunk = ExceedanceSR([bound]), ExceedanceSR([bound])
    grown.update([1])
    shrunk.update([0])
    rate = share * bound
    mean = rate * np.asarray(grown.values()) + (1 - rate) * np.asarray(shrunk.values())
    assert (mean <= 1 + 1e-9).all()


@given(bound=BOUNDS)
def test_an_event_speaks_for_the_alternative_and_its_absence_against(bound):
    """Every alternative lies above the bound and below 1, whatever the bound."""
    sr = ExceedanceSR([bound])
    sr.update([1])
    assert len(sr.values()[0]) == len(LIFTS)
    assert (np.asarray(sr.values()) > 1).all()
    sr.reset()
    sr.update([0])
    assert ((np.asarray(sr.values()) > 0) & (np.asarray(sr.values()) < 1)).all()


def test_the_recursion_is_the_sum_over_all_change_points():
    """G after n observations is the sum, over all starts, of the likelihood ratio from there on."""
    q, lift = 0.1, LIFTS[0]
    events = [1, 0, 0, 1, 1, 0]
    ratios = [(q + lift) / q if y else (1 - q - lift) / (1 - q) for y in events]
    sr = ExceedanceSR([q])
    for y in events:
        sr.update([y])
    assert sr.values()[0][0] == pytest.approx(sum(math.prod(ratios[start:]) for start in range(len(ratios))))


def test_it_goes_on_from_its_values():
    """Values of one are the beginning of another, and the statistics stay equal."""
    events = np.random.default_rng(1).random((100, 2)) < 0.3
    one, other = ExceedanceSR([0.2, 0.1]), ExceedanceSR([0.2, 0.1])
    for row in events[:50]:
        one.update(row)
    other.restore(one.values())
    for row in events[50:]:
        one.update(row)
        other.update(row)
    assert one.statistic == other.statistic > 0


def test_what_does_not_fit_is_refused():
    """Values of other bounds, or an observation of another length, never pass silently."""
    sr = ExceedanceSR([0.1, 0.2])
    with pytest.raises(ValueError, match="shape"):
        sr.restore([[0.0] * len(LIFTS)])
    with pytest.raises(ValueError, match="reshape"):
        sr.update([1.0])


def test_endless_events_do_not_overflow():
    """Ten thousand events in a row leave finite evidence."""
    sr = ExceedanceSR([0.01])
    for _ in range(10_000):
        sr.update([1])
    assert math.isfinite(sr.statistic)


@pytest.mark.parametrize(
    ("statistic", "expected"), [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (100.0, 0.5), (10_000.0, 1.0), (1e8, 2.0)]
)
def test_evidence_counts_orders_of_magnitude(statistic, expected):
    """Evidence is 0 up to a statistic of 1, and 1 at the threshold."""
    assert evidence(statistic, 10_000.0) == pytest.approx(expected)


@given(n=st.integers(1, 400), share=st.floats(0, 1))
def test_the_upper_bound_is_the_rate_at_which_so_few_events_are_rare(n, share):
    """Clopper-Pearson: at the bound, as few events as seen have a probability of 5 %."""
    k = int(share * n)
    bound = float(upper_bound(k, n))
    if k == n:
        assert bound == 1.0
    else:
        assert binom.cdf(k, n, bound) == pytest.approx(0.05, rel=1e-6)


def test_without_observations_anything_is_possible():
    """The bound of nothing is 1."""
    assert float(upper_bound(0, 0)) == 1.0


def test_delay_of_a_fall_in_agreement():
    """From 95 to 85 % agreement at A = 1e6 with a baseline of 2,000 items: median at most 230 pairs, 95 % in 450."""
    rng = np.random.default_rng(3)
    bounds = upper_bound(rng.binomial(2000, 0.05, 300), 2000)
    delays = first_alarms(bounds, rng.random((600, 300)) < 0.15, threshold=1e6)
    assert 100 <= np.median(delays) <= 230
    assert np.quantile(delays, 0.95) <= 450


@pytest.mark.slow
def test_false_alarms_of_agreement_stay_within_the_budget():
    """Without a fall, of streams of A pairs fewer than 30 % alarm, where a mean of A between alarms allows 63 %."""
    rng = np.random.default_rng(4)
    bounds = upper_bound(rng.binomial(2000, 0.05, 200), 2000)
    first = first_alarms(bounds, rng.random((10_000, 200)) < 0.05, threshold=1e4)
    assert (first < 10_000).mean() <= 0.3


@pytest.mark.slow
def test_false_alarms_of_novelty_stay_within_the_budget():
    """The same for novelty: four nested exceedances, a new reference of 2,000 for each stream of A inputs."""
    rng = np.random.default_rng(5)
    streams, quantiles = 100, np.array([0.8, 0.9, 0.95, 0.99])
    thresholds = np.quantile(rng.random((2000, streams)), quantiles, axis=0).T  # each stream has its own reference
    bounds = np.tile(upper_bound(np.round(2000 * (1 - quantiles)).astype(int), 2000), streams)
    events = (rng.random((10_000, streams))[:, :, None] > thresholds).reshape(10_000, -1)
    first = first_alarms(bounds, events, threshold=1e4, per_stream=4)
    assert (first < 10_000).mean() <= 0.3


@given(events=st.integers(0, 60), others=st.integers(0, 60))
def test_the_two_sided_interval_is_the_exact_one(events, others):
    """Each end is the rate at which so many events, or so few, have a chance of 2.5 %."""
    n = events + others
    if n == 0:
        return
    lower, upper = two_sided(events, n)
    assert lower == 0.0 if events == 0 else binom.sf(events - 1, n, lower) == pytest.approx(0.025, rel=1e-6)
    assert upper == 1.0 if others == 0 else binom.cdf(events, n, upper) == pytest.approx(0.025, rel=1e-6)
    assert lower <= events / n <= upper


@given(bound=BOUNDS, lift=st.floats(1e-4, 0.9))
def test_other_alternatives_keep_the_budget_too(bound, lift):
    """Whatever the lift, the mean factor at the bound is at most 1, so evidence does not grow by itself."""
    grown, shrunk = ExceedanceSR([bound], lifts=[lift]), ExceedanceSR([bound], lifts=[lift])
    grown.update([1])
    shrunk.update([0])
    assert bound * grown.statistic + (1 - bound) * shrunk.statistic <= 1 + 1e-9

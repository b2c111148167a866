"""Latency: the 95 % quantile of the last calls."""

from __future__ import annotations

import random

import pytest

from gateway.resilience.latency import Latency


def after(durations):
    """The latency after these calls."""
    latency = Latency()
    for seconds in durations:
        latency.add(seconds)
    return latency


def test_there_is_none_before_fifty_calls():
    """A guess would hedge the wrong calls."""
    assert after([1.0] * 49).p95_s is None
    assert after([1.0] * 50).p95_s == 1.0


@pytest.mark.parametrize("count", [50, 82, 530])
def test_it_is_the_nearest_rank_of_the_last_512(count):
    """5 % of the calls it was computed from are slower."""
    durations = [float(number) for number in range(count)]
    random.Random(0).shuffle(durations)
    last = sorted(durations[-512:])
    latency = after(durations)
    assert sum(seconds > latency.p95_s for seconds in last) == len(last) * 5 // 100


def test_old_calls_are_forgotten():
    """An upstream that became slow is slow after 512 calls."""
    assert after([1.0] * 600 + [9.0] * 512 + [9.0] * 32).p95_s == 9.0


def test_it_lags_by_at_most_32_calls():
    """It is computed now and then, not on every call."""
    latency = after([1.0] * 50)
    for _ in range(31):
        latency.add(9.0)
    assert latency.p95_s == 1.0
    latency.add(9.0)
    assert latency.p95_s == 9.0

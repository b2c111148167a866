from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.quota import Quota


@pytest.mark.parametrize(
    ("waiting", "seconds", "share"),
    [(0, 0.0, 1.0), (100, 0.0, 1.0), (200, 0.0, 1.0), (400, 0.0, 0.5), (400, 9.0, 0.5), (10_000, 0.0, 0.02)],
)
def test_two_seconds_of_allowance_may_be_saved(waiting: int, seconds: float, share: float) -> None:
    """A hundred a second: a burst of two hundred is embedded whole, however long it was quiet before."""
    assert Quota(100.0, at=0.0).share(waiting, at=seconds) == pytest.approx(share)


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0.0, 3.0)), min_size=1, max_size=30))
def test_never_more_than_the_rate(batches: list[tuple[int, float]]) -> None:
    """Over any time no more is granted than the rate times that time and the burst."""
    quota, at, granted = Quota(50.0, at=0.0), 0.0, 0.0
    for waiting, pause in batches:
        at += pause
        share = quota.share(waiting, at=at)
        assert 0.0 <= share <= 1.0
        granted += share * waiting
    assert granted <= 50.0 * (at + 2.0) + 1e-6


def test_a_clock_that_goes_back_grants_nothing() -> None:
    """A corrected wall clock is no reason to embed more."""
    quota = Quota(10.0, at=100.0)
    assert quota.share(20, at=100.0) == 1.0
    assert quota.share(20, at=50.0) == 0.0
    assert quota.share(20, at=51.0) == 0.5

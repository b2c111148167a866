"""Budgets: retries and hedges stay a small share of the calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resilience.budget import HedgeBudget, RetryBudget


@pytest.mark.parametrize(("calls", "most"), [(0, 10), (4, 10), (5, 11), (100, 30), (1000, 210)])
def test_retries_are_a_fifth_of_the_calls_and_ten(calls, most):
    """However many ask for one."""
    budget = RetryBudget()
    for _ in range(calls):
        budget.called(0.0)
    assert sum(budget.take(0.0) for _ in range(2000)) == most


@pytest.mark.parametrize(("later", "most"), [(4.9, 0), (5.0, 0), (9.9, 0), (10.0, 10), (1000.0, 10)])
def test_what_was_spent_is_forgotten_after_ten_seconds(later, most):
    """Until then the window remembers it, and the calls that earned it."""
    budget = RetryBudget()
    for _ in range(100):
        budget.called(0.0)
    assert sum(budget.take(0.0) for _ in range(100)) == 30
    assert sum(budget.take(later) for _ in range(100)) == most


@given(st.lists(st.tuples(st.booleans(), st.floats(min_value=0.0, max_value=0.4)), max_size=400))
def test_within_any_five_seconds_retries_stay_within_the_share(steps):
    """Whatever the order of calls and retries: ten, and a fifth of the calls that the window can remember."""
    budget, now = RetryBudget(), 0.0
    events = []
    for call, pause in steps:
        now += pause
        if call:
            budget.called(now)
        elif not budget.take(now):
            continue
        events.append((now, call))
    for end, _ in events:
        calls = sum(call for at, call in events if end - 15 < at <= end)
        retries = sum(not call for at, call in events if end - 5 < at <= end)
        assert retries <= 10 + 0.2 * calls


@given(st.lists(st.booleans(), max_size=400))
def test_hedges_are_at_most_a_tenth_of_the_calls(steps):
    """At every moment, from the first call on."""
    budget = HedgeBudget()
    calls = hedges = 0
    for call in steps:
        if call:
            budget.called()
            calls += 1
        else:
            hedges += budget.take()
        assert hedges * 10 <= calls


def test_hedges_can_be_saved_up_to_ten():
    """A burst of slow answers after a quiet hour is no flood."""
    budget = HedgeBudget()
    for _ in range(10_000):
        budget.called()
    assert sum(budget.take() for _ in range(100)) == 10

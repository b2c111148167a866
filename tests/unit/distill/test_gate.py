from __future__ import annotations

import pytest

from distill.gate import Gate, compare, judge
from distill.intervals import clopper_pearson


@pytest.mark.parametrize(
    ("agreed", "passed"),
    [(95, True), (80, True), (75, False), (0, False)],
)
def test_a_first_student_must_reach_the_floor(agreed, passed):
    """Without a champion the lower end of the interval decides, not the estimate."""
    outcome = judge(clopper_pearson(agreed, 100), None, Gate(floor=0.7))
    assert (outcome.passed, outcome.rule) == (passed, "floor")
    assert "floor 0.7 on 100 held-out rows" in outcome.reason


@pytest.mark.parametrize(
    ("gained", "lost", "items", "passed"),
    [
        (30, 5, 200, True),  # better
        (5, 5, 1000, True),  # the same
        (0, 0, 200, True),  # never different
        (0, 0, 20, False),  # too few rows to know
        (5, 25, 200, False),  # worse
        (20, 20, 200, False),  # perhaps the same, perhaps worse
    ],
)
def test_a_challenger_must_not_be_worse(gained, lost, items, passed):
    """The bound of the difference decides: few rows open no gate."""
    gate = Gate(margin=0.03)
    agreement = clopper_pearson(items // 2, items)
    comparison = compare("v1", agreement, gained=gained, lost=lost, gate=gate)
    outcome = judge(agreement, comparison, gate)
    assert (outcome.passed, outcome.rule) == (passed, "non-inferiority")
    assert comparison.difference == pytest.approx((gained - lost) / items)
    assert "difference to v1" in outcome.reason

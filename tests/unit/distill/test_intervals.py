from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binom

from distill.intervals import clopper_pearson, difference_lower, mcnemar


@pytest.mark.parametrize(
    ("agreed", "items", "lower", "upper"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (9, 10, 0.5550, 0.9975), (0, 0, 0.0, 1.0)],
)
def test_exact_intervals_have_their_textbook_values(agreed, items, lower, upper):
    """Known tables must come out, the ends included."""
    found = clopper_pearson(agreed, items)
    assert (found.lower, found.upper) == (pytest.approx(lower, abs=1e-4), pytest.approx(upper, abs=1e-4))


@pytest.mark.parametrize("truth", [0.5, 0.9, 0.99])
def test_exact_intervals_cover_the_truth(truth):
    """In at least 95 % of experiments the interval must hold the true share."""
    covered = 0.0
    for agreed in range(61):
        found = clopper_pearson(agreed, 60)
        if found.lower <= truth <= found.upper:
            covered += binom.pmf(agreed, 60, truth)
    assert covered >= 0.95


@pytest.mark.parametrize(("gained", "lost", "p"), [(0, 0, 1.0), (5, 5, 1.0), (6, 0, 2 * 0.5**6), (0, 6, 2 * 0.5**6)])
def test_mcnemar_is_the_sign_test_of_discordant_rows(gained, lost, p):
    """Rows on which both agree say nothing about which student is better."""
    assert mcnemar(gained, lost) == pytest.approx(p)


def test_a_bound_without_discordant_rows_is_that_of_wilson():
    """Two students that never differ on n rows may still differ by z^2 / (n + z^2)."""
    z2 = 1.6448536**2
    assert difference_lower(0, 0, 200) == pytest.approx(-z2 / (200 + z2), abs=1e-5)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_the_bound_lies_below_the_estimate_and_grows_with_confidence(gained, lost, rest):
    """A lower bound above the estimate, or one that rises with the level, would promote bad students."""
    items = gained + lost + rest
    if items == 0:
        assert difference_lower(gained, lost, items) == -1.0
        return
    cautious, bold = (difference_lower(gained, lost, items, level=level) for level in (0.99, 0.8))
    assert -1.0 <= cautious <= bold <= (gained - lost) / items + 1e-6


def test_the_bound_at_zero_agrees_with_mcnemar():
    """The score test at a difference of nought is McNemar's: z = (b - c) / sqrt(b + c)."""
    gained, lost = 20, 8
    z = (gained - lost) / (gained + lost) ** 0.5
    level = ndtr(z)
    assert difference_lower(gained, lost, 300, level=float(level)) == pytest.approx(0.0, abs=1e-6)

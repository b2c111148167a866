from __future__ import annotations

import pytest

from monitors.windowed.budget import budget_days


@pytest.mark.parametrize(
    ("families", "days", "expected"), [(3, 30.0, 90.0), (1, 30.0, 30.0), (7, 60.0, 420.0), (1, 0.5, 2.0)]
)
def test_families_share_the_budget(families: int, days: float, expected: float) -> None:
    """The mean time to a false alarm of one family is the task's times the number of families, and at least 2 days."""
    assert budget_days(families, days) == expected

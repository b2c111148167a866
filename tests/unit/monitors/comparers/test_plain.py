from __future__ import annotations

import pytest

from domain.comparers import COMPARERS
from monitors.comparers.plain import PlainComparer
from tests.unit.monitors.samples import exchange


@pytest.mark.parametrize(
    ("name", "student", "teacher", "agreed"),
    [
        ("exact", "Refund", "refund", False),
        ("label", "Refund.", "refund", True),
        ("json", '{"a": 1, "b": 2}', '{"b": 2, "a": 1}', True),
        ("json", "refund", "refund", False),
    ],
)
async def test_the_pure_function_decides(name, student, teacher, agreed):
    """Verdict and score are those of `domain.comparers`, and nothing is paid."""
    found = await PlainComparer(COMPARERS[name]).compare(exchange(1, "money back"), student, teacher)
    assert (found.agreed, found.score, found.cost_usd) == (agreed, float(agreed), 0.0)

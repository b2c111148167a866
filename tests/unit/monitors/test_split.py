from __future__ import annotations

import pytest

from monitors.split import split, words


@pytest.mark.parametrize(
    ("families", "parts"),
    [
        (["novelty"], [1.0]),
        (["novelty", "agreement"], [0.5, 0.5]),
        (["novelty", "cluster", "agreement"], [0.375, 0.25, 0.375]),
        (["novelty", "cluster", "label", "length", "agreement"], [0.3, 0.2, 0.1, 0.1, 0.3]),
        ([], []),
    ],
)
def test_the_parts_make_one_budget(families: list[str], parts: list[float]) -> None:
    """However many detectors there are, together they may be wrong once in the stated time."""
    found = split(families)
    assert list(found) == families
    assert list(found.values()) == pytest.approx(parts)
    assert sum(found.values()) == pytest.approx(1.0 if families else 0.0)


def test_the_budget_is_told_in_words() -> None:
    """Whoever reads a signal sees what it is held to."""
    assert words(30, 0.3, "A = 100 days") == (
        "one false alarm in 30 days over all detectors of the task; this one has 30% of it (A = 100 days)"
    )

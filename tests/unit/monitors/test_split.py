from __future__ import annotations

import pytest

from domain.settings import AgreementSettings, DriftSettings, OutputSettings
from monitors.split import LEAST_THRESHOLD, families, parts, split, threshold, words
from tests.unit.monitors.samples import settings


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


WORDS = ["label", "length", "language", "schema"]


@pytest.mark.parametrize(
    ("drift", "agreement", "expected"),
    [
        ("windowed", "windowed", ["novelty", "cluster", *WORDS, "agreement"]),
        ("per-sample", "none", ["novelty", "cluster", "label"]),
        ("none", "windowed", ["agreement"]),
        ("none", "none", []),
    ],
)
def test_only_detectors_that_can_alarm_share_the_budget(drift: str, agreement: str, expected: list[str]) -> None:
    """What is switched off takes nothing from the others; one by one, of the words only labels are watched."""
    task = settings(
        drift=DriftSettings(embedder="words", detector=drift), agreement=AgreementSettings(detector=agreement)
    )
    assert families(task) == expected
    assert parts(task) == split(expected)


def test_a_task_without_labels_has_no_shares_of_them() -> None:
    """Free texts have a length and a language."""
    task = settings(output=OutputSettings(text={}), drift=DriftSettings(embedder="words"))
    assert families(task) == ["novelty", "cluster", "length", "language", "agreement"]


@pytest.mark.parametrize(
    ("days", "part", "per_day", "expected"),
    [(30.0, 1.0, 200.0, 6000.0), (30.0, 0.3, 200.0, 20000.0), (0.1, 1.0, 1.0, LEAST_THRESHOLD)],
)
def test_the_threshold_is_the_number_of_samples_in_the_time(
    days: float, part: float, per_day: float, expected: float
) -> None:
    """A smaller part of the budget needs more, and no threshold is so low that one event alarms; words say it."""
    found, told = threshold(days, part, per_day, "inputs")
    assert found == pytest.approx(expected)
    assert f"A = {expected:,.0f} independent inputs, {per_day:,.0f} a day" in told


def test_the_budget_is_told_in_words() -> None:
    """Whoever reads a signal sees what it is held to."""
    assert words(30, 0.3, "A = 100 days") == (
        "one false alarm in 30 days over all detectors of the task; this one has 30% of it (A = 100 days)"
    )

"""How often the windowed detectors of a task may be wrong: a number of days that its families share."""

from __future__ import annotations

_LEAST_DAYS = 2.0  # evidence is counted in orders of magnitude of A
FAMILIES = 3  # novelty, shares of the clusters, agreement


def budget_days(families: int = FAMILIES, false_alarm_days: float = 30.0) -> float:
    """A, the mean time to a false alarm of one family, so that all together take `false_alarm_days`; at least 2 days."""
    return max(_LEAST_DAYS, families * false_alarm_days)


def budget_words(families: int = FAMILIES, false_alarm_days: float = 30.0) -> str:
    """The same in words, for evidence."""
    days = budget_days(families, false_alarm_days)
    return (
        f"one false alarm in {false_alarm_days:g} days for the task, shared by {families} families of counts "
        f"(A = {days:g} days each, while days are alike but for the season and their usual variation)"
    )

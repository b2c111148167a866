"""How often the windowed detectors of a task may be wrong: a number of days that its families share equally."""

from __future__ import annotations

FAMILIES = 3  # novelty, shares of the clusters, agreement
_LEAST_DAYS = 2.0  # evidence is counted in orders of magnitude of A


def budget_days(families: int = FAMILIES, false_alarm_days: float = 30.0) -> float:
    """A, the mean time to a false alarm of one family in days, at least 2: together they take `false_alarm_days`."""
    return max(_LEAST_DAYS, families * false_alarm_days)

from __future__ import annotations

import numpy as np
import pytest

from monitors.windowed.arming import Armed, Subject, Summary, Waiting, readiness, refit_due
from monitors.windowed.calendar import Calendar
from monitors.windowed.history import gather
from monitors.windowed.hours import Hour

NOVELTY, SHARES, AGREEMENT = Subject.NOVELTY, Subject.SHARES, Subject.AGREEMENT


@pytest.mark.parametrize(
    ("subject", "days", "weekend_days", "inputs", "pairs", "reason", "listed"),
    [
        (NOVELTY, 7, 2, 1000, 100, "", True),
        (SHARES, 7, 2, 1000, 100, "", True),
        (AGREEMENT, 7, 2, 1000, 100, "", True),
        (NOVELTY, 6, 2, 1000, 100, "needs 1 more day", True),
        (NOVELTY, 4, 0, 5000, 200, "needs 3 more days and a weekend", True),
        (NOVELTY, 9, 1, 5000, 200, "needs a weekend", True),
        (NOVELTY, 2, 0, 5000, 200, "needs 5 more days and a weekend", False),
        (NOVELTY, 13, 4, 999, 100, "needs 1 more day", True),
        (NOVELTY, 13, 4, 1000, 99, "needs 1 more day", True),
        (NOVELTY, 14, 4, 200, 20, "", True),
        (AGREEMENT, 10, 2, 200, 20, "needs 4 more days", True),
        (AGREEMENT, 14, 4, 200, 20, "", True),
        (SHARES, 13, 4, 200, 20, "needs 1 more day", False),
        (SHARES, 14, 4, 200, 0, "", True),
        (SHARES, 0, 0, 0, 0, "needs 14 more days and a weekend", False),
    ],
)
def test_readiness(
    subject: Subject, days: int, weekend_days: int, inputs: float, pairs: float, reason: str, listed: bool
) -> None:
    """Busy tasks page after a week with a weekend, others after two; meanwhile warnings are listed, but no shares."""
    expected = Waiting(reason, listed) if reason else Armed()
    assert readiness(subject, Summary(days, weekend_days, inputs, pairs)) == expected


@pytest.mark.parametrize(
    ("subject", "days", "fitted_days", "alarms", "harmless", "reason"),
    [
        (AGREEMENT, 13, 7, 0, 0, ""),
        (AGREEMENT, 14, 7, 0, 0, "14 days are known"),
        (AGREEMENT, 20, 14, 0, 0, ""),
        (AGREEMENT, 28, 14, 0, 0, "28 days are known"),
        (AGREEMENT, 28, 14, 1, 0, ""),
        (AGREEMENT, 28, 14, 2, 1, ""),
        (AGREEMENT, 28, 14, 2, 2, "2 alarms were expected"),
        (AGREEMENT, 90, 28, 0, 0, ""),
        (NOVELTY, 14, 7, 0, 0, "14 days are known"),
        (NOVELTY, 14, 7, 1, 1, ""),
        (NOVELTY, 28, 14, 0, 0, ""),
        (NOVELTY, 40, 14, 3, 3, "3 alarms were expected"),
        (SHARES, 28, 14, 0, 0, ""),
    ],
)
def test_refit_due(subject: Subject, days: int, fitted_days: int, alarms: int, harmless: int, reason: str) -> None:
    """Baselines are learned again at fixed ages unless something alarmed, and after two alarms called expected."""
    found = refit_due(subject, days=days, fitted_days=fitted_days, alarms=alarms, harmless=harmless)
    assert found == reason


def test_summary_of_histories() -> None:
    """Days are those of the family's own history, volumes are means over the days of each."""
    monday = 4 * 24
    inputs = gather({monday + h: Hour(inputs=[30, 20]) for h in range(7 * 24)}, Calendar())
    pairs = gather({monday + 24 + h: Hour(pairs=[3, 2]) for h in range(2 * 24)}, Calendar())
    assert Summary.of(inputs, inputs=inputs, pairs=pairs) == Summary(7, 2, 1200.0, 120.0)
    assert Summary.of(pairs, inputs=inputs, pairs=pairs).days == 2
    nothing = gather({}, Calendar())
    assert Summary.of(nothing, inputs=nothing, pairs=nothing) == Summary(0, 0, 0.0, 0.0)
    assert np.isfinite(Summary.of(inputs, inputs=inputs, pairs=nothing).pairs_per_day)

from __future__ import annotations

import pytest

from domain.ports import Observation
from monitors.detectors.rolling import RollingThreshold


def alarms(one: RollingThreshold, values) -> list[int]:
    """The numbers of the observations that alarm."""
    rows = (Observation(at=0.0, counts=(float(value),)) for value in values)
    return [number for number, row in enumerate(rows, 1) if one.update(row).alarm]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1] * 20, []),  # a mean at the limit is not above it
        ([1] * 25, [10, 20]),  # a full window, and then it fills anew
        ([1] * 9, []),
        ([0] * 10 + [1] * 6, [16]),
    ],
)
def test_it_alarms_when_a_full_window_is_above_the_limit(values, expected):
    """Limit 0.5 of the last ten, whatever came before them."""
    assert alarms(RollingThreshold(0.5, window=10), values) == expected


def test_several_counts_are_their_mean():
    """Four exceedances count like one observation between 0 and 1."""
    one = RollingThreshold(0.6, window=2)
    found = [one.update(Observation(at=0.0, counts=(1.0, 1.0, 0.0, 0.0))) for _ in range(3)]
    assert [(each.score, each.alarm) for each in found] == [(0.5, False)] * 3


def test_a_state_of_a_longer_window_is_refused():
    """What does not fit is not cut."""
    other = RollingThreshold(0.5, window=20)
    alarms(other, [0] * 15)
    with pytest.raises(ValueError, match="window of 15"):
        RollingThreshold(0.5, window=10).restore(other.state())

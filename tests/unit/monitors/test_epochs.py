from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Canary
from monitors.epochs import Epochs, in_force
from tests.unit.monitors.samples import deployment

MIDNIGHT = 1_700_438_400.0  # Monday, 20 November 2023, 00:00 UTC
HOUR_S = 3600.0


def cut(epochs: Epochs, *hours: float, changes: tuple[float, ...] = ()) -> tuple[tuple[int, int], list, list]:
    """The mark of the stretch of the first of these times, told in hours since midnight, its rows, and the others."""
    rows = [MIDNIGHT + hour * HOUR_S for hour in hours]
    epoch, first, rest = epochs.split(rows, at=lambda row: row, changes=[MIDNIGHT + hour * HOUR_S for hour in changes])
    return epoch.mark, [(row - MIDNIGHT) / HOUR_S for row in first], [(row - MIDNIGHT) / HOUR_S for row in rest]


@pytest.mark.parametrize(
    ("zone", "hours", "changes", "first"),
    [
        ("UTC", (1, 2, 23), (), (1, 2, 23)),
        ("UTC", (1, 23, 24, 25), (), (1, 23)),
        ("UTC", (23, 24, 22), (), (23,)),
        ("UTC", (5, 4, 3), (), (5, 4, 3)),
        ("Europe/Berlin", (1, 22, 23), (), (1, 22)),
        ("UTC", (1, 2, 3, 4), (9, 3), (1, 2)),
        ("UTC", (4, 2, 5), (3, 6), (4, 2, 5)),
    ],
)
def test_a_stretch_ends_with_the_day_or_with_a_change(zone, hours, changes, first):
    """The first row of a later one ends it; what is late does not."""
    _, rows, rest = cut(Epochs(zone), *hours, changes=changes)
    assert rows == list(first)
    assert rest == list(hours[len(first) :])


def test_time_never_goes_back():
    """Who comes after midnight from before it belongs to the new day, also when the batch is another."""
    epochs = Epochs("UTC")
    today, _, _ = cut(epochs, 25, changes=(24.5,))
    assert cut(epochs, 23, 26, changes=(24.5,)) == (today, [23, 26], [])


def test_a_new_worker_begins_where_another_has_stopped():
    """Nothing that comes to it is of an earlier stretch."""
    epochs = Epochs("UTC")
    assert not epochs.begun
    epochs.reach(MIDNIGHT + 25 * HOUR_S)
    assert epochs.begun
    today, rows, _ = cut(epochs, 23, 24)
    assert rows == [23, 24]
    assert today == cut(Epochs("UTC"), 25)[0]


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=30),
    st.lists(st.floats(0, 100), max_size=4),
    st.integers(1, 30),
)
def test_stretches_do_not_depend_on_batches(hours, changes, size):
    """Cut one by one, in batches or all at once, each row belongs to the same stretch."""

    def marks(batches):
        epochs, found = Epochs("UTC"), []
        for batch in batches:
            rest = batch
            while rest:
                mark, first, rest = cut(epochs, *rest, changes=tuple(changes))
                found += [mark] * len(first)
        return found

    assert marks([hours[start : start + size] for start in range(0, len(hours), size)]) == marks([hours])


@pytest.mark.parametrize(
    ("at", "model", "since"), [(5.0, "v1", 10.0), (10.0, "v1", 10.0), (25.0, "v1", 10.0), (30.0, "v2", 30.0)]
)
def test_the_deployment_of_a_time_is_in_force(at, model, since):
    """Before the first there is only that one; a canary is no new deployment of the champion."""
    history = [
        deployment(at=10.0),
        deployment(at=20.0, canary=Canary("v2", 0.1)),
        deployment(at=30.0, model="v2"),
    ]
    found = in_force(history, at)
    assert found is not None
    assert (found.model, found.at) == (model, since)
    assert in_force([], at) is None

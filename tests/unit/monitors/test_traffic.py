from __future__ import annotations

import pytest

from monitors.traffic import input_series, pair_series, read_traffic
from tests.unit.monitors.samples import deployment
from tests.unit.monitors.weeks import FIRST_HOUR, START, expected, hour_of, write_days

DEPLOYMENT = deployment("r1", at=START)


def test_inputs_belong_to_a_reference_and_pairs_to_a_deployment():
    """Another student of the same reference goes on with the inputs, and begins anew with the pairs."""
    other, again = deployment("r2", at=START), deployment("r1", at=START + 0.5)
    assert input_series(again) == input_series(DEPLOYMENT)
    assert len({input_series(DEPLOYMENT), input_series(other)}) == 2
    assert len({pair_series(each) for each in (DEPLOYMENT, other, again)}) == 3


async def test_counts_and_marks_are_read(store):
    """Inputs and pairs apart, by the number of their hour, and the local days that were called expected."""
    await write_days(store, DEPLOYMENT, range(2), inputs=50.0, hours=range(0, 24, 12))
    await write_days(store, DEPLOYMENT, range(1), pairs=9.0, hours=range(3))
    await write_days(store, deployment("r2", at=START), range(1), inputs=9.0, pairs=9.0)
    await store.expect(expected(1, 2))
    await store.expect(expected(2, 3))
    found = await read_traffic(store, DEPLOYMENT, after=0)
    assert list(found.inputs) == [hour_of(0), hour_of(0, 12), hour_of(1), hour_of(1, 12)]
    assert list(found.pairs) == [hour_of(0), hour_of(0, 1), hour_of(0, 2)]
    assert all(sum(hour.inputs) > 20 and not any(hour.pairs) for hour in found.inputs.values())
    assert all(any(hour.pairs) and not hour.inputs[0] for hour in found.pairs.values())
    assert len(found.expected) == 3


@pytest.mark.parametrize(("after", "inputs"), [(FIRST_HOUR + 5, 19), (FIRST_HOUR + 24, 0)])
async def test_earlier_hours_are_left_out(store, after, inputs):
    """Those that no baseline stands on need not be read."""
    await write_days(store, DEPLOYMENT, range(1), inputs=5.0)
    assert len((await read_traffic(store, DEPLOYMENT, after=after)).inputs) == inputs


@pytest.mark.parametrize(("at", "days"), [(START - 1, 0), (START, 2)])
async def test_a_mark_counts_from_when_it_was_made(store, at, days):
    """A replay knows of it neither sooner nor later than the live run."""
    await store.expect(expected(1, 2))
    assert len((await read_traffic(store, DEPLOYMENT, after=0, at=at)).expected) == days

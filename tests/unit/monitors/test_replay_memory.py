from __future__ import annotations

import msgspec

from domain.chronicle import WatchedRow
from domain.follow_up import Tally
from domain.records import DetectorState, Reading
from monitors.inputs import Harvest
from monitors.replay_memory import ReplayMemory
from tests.unit.monitors.samples import TASK, deploy, deployment, exchange

DAY_S = 86400.0


def reading(at: float, *, alarm: bool = False) -> Reading:
    """Where the detector of novelty stands."""
    return Reading(task=TASK, detector="novelty", model="v1", at=at, samples=1, score=0.5, evidence=0.1, alarm=alarm)


def harvest(**parts) -> Harvest:
    """What a batch came to."""
    return Harvest(**{"readings": (), "signals": (), "states": (), "tallies": ()} | parts)


async def test_the_last_of_each_state_and_hour_counts(store):
    """As in the store, where they take each other's place; series and deployments are apart."""
    memory = ReplayMemory(store)
    state = DetectorState(task=TASK, detector="novelty", reference_id="r@1", state=b"1")
    later = msgspec.structs.replace(state, state=b"2")
    other = msgspec.structs.replace(state, reference_id="r@2")
    hours = [Tally(task=TASK, series=series, hour=hour, body=b"a") for series, hour in (("i", 7), ("i", 5), ("p", 6))]
    memory.take(harvest(states=[state, other], tallies=hours))
    memory.take(harvest(states=[later], tallies=[msgspec.structs.replace(hours[0], body=b"b")]))
    assert await memory.detector_states(TASK, "r@1") == [later]
    assert [(tally.hour, tally.body) for tally in await memory.tallies(TASK, "i")] == [(5, b"a"), (7, b"b")]
    assert [tally.hour for tally in await memory.tallies(TASK, "i", after=6)] == [7]


async def test_readings_are_forgotten_after_days_and_alarms_never(store):
    """So a replay of years needs no more memory than one of days."""
    memory = ReplayMemory(store)
    memory.take(harvest(readings=[reading(0.0, alarm=True), reading(1.0)]))
    memory.take(harvest(readings=[reading(4 * DAY_S), reading(3.5 * DAY_S)]))
    assert [one.at for one in await memory.readings(TASK)] == [0.0, 3.5 * DAY_S, 4 * DAY_S]
    assert [one.at for one in await memory.readings(TASK, after=4 * DAY_S)] == [4 * DAY_S]


async def test_the_last_inputs_are_those_of_the_store(store):
    """The latest by their time, not later than asked, in journal order."""
    memory = ReplayMemory(store)
    times = (5.0, 9.0, 7.0, 6.0)
    memory.watched([WatchedRow(n, exchange(n, "text", at=at), 0.1, 0) for n, at in enumerate(times)])
    assert [row.number for row in await memory.last_watched(TASK, until=9.0, limit=2)] == [1, 2]
    assert [row.number for row in await memory.last_watched(TASK, until=8.0, limit=9)] == [0, 2, 3]


async def test_references_come_from_the_store(store):
    """They are what no replay computes again."""
    await deploy(store)
    reference_id = (await store.deployment(TASK)).reference_id
    assert await ReplayMemory(store).blob(reference_id) == await store.blob(reference_id)
    assert await ReplayMemory(store).blob(deployment().reference_id) is None

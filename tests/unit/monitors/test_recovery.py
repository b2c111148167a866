from __future__ import annotations

import msgspec

from domain.follow_up import SignalState
from domain.lifecycle import MONITORS
from domain.records import Reading, Signal, SignalKind
from domain.settings import SignalSettings
from domain.store import WorkBatch
from monitors.recovery import Recovery
from tests.unit.monitors.samples import DEPLOYED_AT, TASK, deployment, settings

SIGNAL = Signal(
    id="s1", task=TASK, kind=SignalKind.RETRAIN, reason="agreement", at=DEPLOYED_AT, detector="agreement", model="v1",
    evidence=1.0, samples=100, false_alarm_budget="one",
)  # fmt: skip
CALM = [
    Reading(
        task=TASK, detector="agreement", model="v1", at=DEPLOYED_AT + 600 * n, samples=100 + 10 * n, score=0.9,
        evidence=0.1, alarm=False,
    )
    for n in range(1, 8)
]  # fmt: skip


async def test_a_recovery_is_recorded_once_whoever_sees_it(store, clock):
    """Two workers that look, and look again, leave one event."""
    tasks = {TASK: settings(signal=SignalSettings(cooldown="1h"))}
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, signals=[SIGNAL], readings=CALM[:-1]))
    one, other = (Recovery(tasks, store=store, clock=clock) for _ in range(2))
    clock.advance(6 * 3600)
    assert await one.step() == 0
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, readings=CALM[-1:]))
    assert [await one.step(), await other.step()] == [0, 1]  # the first one looks once a minute
    clock.advance(60)
    assert [await one.step(), await other.step()] == [0, 0]
    (event,) = await store.signal_events(TASK)
    assert (event.signal_id, event.state, event.at, event.by) == ("s1", SignalState.RECOVERED, CALM[-1].at, MONITORS)


async def test_a_restart_looks_at_once_and_a_new_signal_lives_again(store, clock):
    """What a deployment ended is recorded; the next alarm is open."""
    tasks = {TASK: settings()}
    await store.deploy(deployment())
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, signals=[SIGNAL]))
    await store.deploy(deployment(model="v2", at=DEPLOYED_AT + 30))
    again = msgspec.structs.replace(SIGNAL, id="s2", at=DEPLOYED_AT + 40, model="v2")
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, signals=[again]))
    recovery = Recovery(tasks, store=store, clock=clock)
    assert await recovery.step() == 1
    recovery.forget()
    assert await Recovery(tasks, store=store, clock=clock).step() == 0
    (event,) = await store.signal_events(TASK)
    assert (event.at, event.note) == (DEPLOYED_AT + 30, "deployment")

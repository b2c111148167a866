from __future__ import annotations

import pytest

from domain.errors import UpstreamError, UpstreamFailure
from domain.follow_up import SignalEvent, SignalState
from domain.records import Signal, SignalKind
from domain.store import WorkBatch
from monitors import metrics
from monitors.delivery import Delivery
from tests.unit.monitors.samples import DEPLOYED_AT, TASK


class Recorder:
    """A notifier that remembers what it was told, and fails as often as it is asked to."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or UpstreamError(UpstreamFailure.STATUS, "notifier ops answered 503")
        self.told: list[str] = []
        self.closed = 0

    async def notify(self, news: Signal | SignalEvent) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error
        self.told.append(news.id)

    async def aclose(self) -> None:
        self.closed += 1


async def raise_signal(store, number: int = 1, kind: SignalKind = SignalKind.RETRAIN, task: str = TASK) -> None:
    """Commit a signal as a worker does."""
    signal = Signal(
        id=f"s{number}", task=task, kind=kind, reason="agreement", at=DEPLOYED_AT + number, detector="agreement",
        model="v1", evidence=1.0, samples=100, false_alarm_budget="one",
    )  # fmt: skip
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, signals=[signal]))


async def test_every_notifier_of_the_task_hears_once(store, clock):
    """Delivered signals are not delivered again; warnings are not sent."""
    ops, team = Recorder(), Recorder()
    delivery = Delivery({TASK: [ops, team]}, store=store, clock=clock)
    await raise_signal(store, 1)
    await raise_signal(store, 2, SignalKind.WARNING)
    assert [await delivery.step(), await delivery.step()] == [1, 0]
    assert (ops.told, team.told) == (["s1"], ["s1"])
    (first, _) = await store.signals(TASK)
    assert first.delivered_at == clock.now_s()


async def test_a_failed_delivery_is_repeated_later_and_later(store, clock):
    """After 1 s, then after 5 s; until then the step does nothing, and each failure is counted."""
    ops = Recorder(failures=2)
    delivery = Delivery({TASK: [ops]}, store=store, clock=clock)
    before = metrics.DELIVERY_FAILURES.labels(TASK)._value.get()
    await raise_signal(store)
    done = []
    for wait_s in (0.0, 0.9, 0.2, 4.0, 1.1):
        clock.advance(wait_s)
        done.append((await delivery.step(), ops.failures))
    assert done == [(0, 1), (0, 1), (0, 0), (0, 0), (1, 0)]
    assert metrics.DELIVERY_FAILURES.labels(TASK)._value.get() - before == 2


async def test_one_dead_notifier_does_not_keep_a_signal_from_the_others(store, clock):
    """At least once for each: the living one hears now, and again when the dead one is tried again."""
    dead, living = Recorder(failures=1), Recorder()
    delivery = Delivery({TASK: [dead, living]}, store=store, clock=clock)
    await raise_signal(store)
    await delivery.step()
    assert living.told == ["s1"]
    clock.advance(1.5)
    await delivery.step()
    assert (dead.told, living.told) == (["s1"], ["s1", "s1"])
    assert await store.undelivered(limit=5) == []


async def test_a_failing_signal_does_not_hold_up_the_next(store, clock):
    """While one waits for its next try, a new one is delivered."""
    ops = Recorder(failures=1)
    delivery = Delivery({TASK: [ops]}, store=store, clock=clock)
    await raise_signal(store, 1)
    await delivery.step()
    await raise_signal(store, 2)
    await delivery.step()
    assert ops.told == ["s2"]


async def test_a_task_without_notifiers_owes_nothing(store, clock):
    """Its signals count as delivered, so that the outbox does not fill up."""
    await raise_signal(store, task="other")
    assert await Delivery({}, store=store, clock=clock).step() == 1
    assert await store.undelivered(limit=5) == []


async def test_a_defect_is_not_taken_for_a_failed_delivery(store, clock):
    """Only UpstreamError means "try again"."""
    await raise_signal(store)
    broken = Delivery({TASK: [Recorder(failures=1, error=TypeError("bug"))]}, store=store, clock=clock)
    with pytest.raises(TypeError, match="bug"):
        await broken.step()


async def test_closing_closes_each_notifier_once(store, clock):
    """Also one that several tasks share."""
    ops = Recorder()
    delivery = Delivery({"a": [ops], "b": [ops]}, store=store, clock=clock)
    delivery.forget()
    await delivery.aclose()
    assert ops.closed == 1


async def say(store, number: int, of: str = "s1", task: str = TASK) -> None:
    """Keep an event about a signal."""
    state = SignalState.ACKNOWLEDGED
    at = DEPLOYED_AT + number
    await store.add_signal_event(SignalEvent(id=f"e{number}", task=task, signal_id=of, state=state, at=at, by="ada"))


async def test_a_restart_loses_nothing_and_repeats_nothing(store, clock):
    """A new outbox on the same store owes what the old one could not deliver, at once, and no more."""
    await raise_signal(store, 1)
    await Delivery({TASK: [Recorder()]}, store=store, clock=clock).step()
    await raise_signal(store, 2)
    assert await Delivery({TASK: [Recorder(failures=9)]}, store=store, clock=clock).step() == 0
    ops = Recorder()
    assert await Delivery({TASK: [ops]}, store=store, clock=clock).step() == 1
    assert ops.told == ["s2"]


async def test_what_followed_a_signal_is_told_after_it(store, clock):
    """An answer waits for its signal, with a backoff of its own, and is told once."""
    ops = Recorder(failures=1)
    delivery = Delivery({TASK: [ops]}, store=store, clock=clock, updates={TASK})
    await raise_signal(store)
    await say(store, 1)
    assert await delivery.step() == 0
    clock.advance(1.5)
    assert await delivery.step() == 2
    await say(store, 2)
    ops.failures = 1
    assert await delivery.step() == 0
    clock.advance(1.5)
    assert [await delivery.step(), await delivery.step()] == [1, 0]
    assert ops.told == ["s1", "e1", "e2"]


@pytest.mark.parametrize(
    ("updates", "kind", "of", "told"),
    [
        ({TASK}, SignalKind.RETRAIN, "s1", ["s1", "e1"]),
        ((), SignalKind.RETRAIN, "s1", ["s1"]),
        ({TASK}, SignalKind.WARNING, "s1", []),
        ({TASK}, SignalKind.RETRAIN, "unknown", ["s1"]),
    ],
)
async def test_only_who_wants_updates_hears_of_them(store, clock, updates, kind, of, told):
    """None by default, and never of a warning, which was not told either; they do not stay in the outbox."""
    ops = Recorder()
    await raise_signal(store, kind=kind)
    await say(store, 1, of)
    await Delivery({TASK: [ops]}, store=store, clock=clock, updates=updates).step()
    await Delivery({TASK: [ops]}, store=store, clock=clock, updates=updates).step()
    assert ops.told == told
    assert await store.undelivered_events(limit=5) == []

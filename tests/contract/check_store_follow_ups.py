"""What every `domain.store.Store` must keep to: tallies, second answers, and what follows a signal."""

from __future__ import annotations

import msgspec
import pytest

from domain.errors import LeaseLostError
from domain.follow_up import Expected, Recheck, RecheckKind, SignalEvent, SignalState, Tally
from domain.records import PairState
from domain.store import Watched, WorkBatch
from tests.contract.store_samples import TASK, OpenStore, exchange, lease, lease_pairs, pair, watch


def tally(hour: int, body: bytes = b"{}", *, series: str = "inputs@r1", task: str = TASK) -> Tally:
    """An hour of a series."""
    return Tally(task=task, series=series, hour=hour, body=body)


def recheck(number: int, *, task: str = TASK) -> Recheck:
    """A second answer of the time 800 + `number`, for 10 cents."""
    return Recheck(
        id=f"recheck-{number}",
        task=task,
        kind=RecheckKind.SELF,
        key=f"{TASK}-{number}",
        at=800.0 + number,
        teacher="gpt-4o",
        answer="refund",
        agreed=True,
        score=1.0,
        cost_usd=0.1,
    )


def event(number: int, *, task: str = TASK) -> SignalEvent:
    """An event of the time 900 + `number`."""
    state = SignalState.ACKNOWLEDGED
    return SignalEvent(id=f"event-{number}", task=task, signal_id="sig-1", state=state, at=900.0 + number, by="ada")


async def an_hour_is_counted_once(open_store: OpenStore) -> None:
    """A tally takes the place of the earlier one of its hour; series, tasks and hours before `after` stay apart."""
    store = await open_store()
    others = [tally(6, series="inputs@r2"), tally(6, task="other")]
    await store.commit(WorkBatch(owner="a", at=1.0, tallies=[tally(7), tally(5), tally(6), *others]))
    await store.commit(WorkBatch(owner="a", at=2.0, tallies=[tally(6, b"new")]))
    assert await store.tallies(TASK, "inputs@r1") == [tally(5), tally(6, b"new"), tally(7)]
    assert await store.tallies(TASK, "inputs@r1", after=7) == [tally(7)]


async def a_batch_that_is_rolled_back_counts_nothing(open_store: OpenStore) -> None:
    """Tallies and second answers take effect with the rows that they are about, or not at all."""
    store = await open_store()
    batch = WorkBatch(owner="a", at=1.0, watched=[Watched("unknown", 0.1)], tallies=[tally(5)], rechecks=[recheck(1)])
    with pytest.raises(LeaseLostError, match="taken over"):
        await store.commit(batch)
    assert await store.tallies(TASK, "inputs@r1") == []
    assert await store.rechecks(TASK) == []


async def an_input_keeps_its_cluster(open_store: OpenStore) -> None:
    """Novelty and cluster come back together; both may be unknown."""
    store = await open_store()
    await store.append([exchange(1), exchange(2)])
    await lease(store, "a")
    watched = [Watched(f"{TASK}-1", 0.5, 3), Watched(f"{TASK}-2", None)]
    await store.commit(WorkBatch(owner="a", at=1.0, watched=watched))
    assert [(row.novelty, row.cluster) for row in await store.exchanges(TASK)] == [(0.5, 3), (None, None)]
    assert [row.cluster for row in await store.exchanges_by_id([f"{TASK}-1"])] == [3]


async def second_answers_are_kept_once_and_cost_money(open_store: OpenStore) -> None:
    """They are idempotent by id, come oldest first, and the money of a day has them beside the pairs."""
    store = await open_store()
    await store.add_rechecks([recheck(2), recheck(1), recheck(3, task="other")])
    await store.add_rechecks([msgspec.structs.replace(recheck(1), answer="other")])
    assert await store.rechecks(TASK) == [recheck(1), recheck(2)]
    assert await store.rechecks(TASK, after=802.0) == [recheck(2)]
    await watch(store, 1, opened=(pair(0),))
    await lease_pairs(store, "a")
    closed = pair(0, state=PairState.PAIRED, cost_usd=0.5)
    await store.commit(WorkBatch(owner="a", at=1.0, closed=[closed], rechecks=[recheck(4)]))
    assert round(await store.spent_usd(TASK, since=0.0), 6) == 0.8
    assert round(await store.spent_usd(TASK, since=801.5), 6) == 0.2


async def events_and_expected_days_come_back_in_order(open_store: OpenStore) -> None:
    """Events are idempotent by id and in order of time; days marked twice are two marks; tasks stay apart."""
    store = await open_store()
    for each in (event(2), event(1), msgspec.structs.replace(event(1), note="again"), event(3, task="other")):
        await store.add_signal_event(each)
    assert await store.signal_events(TASK) == [event(1), event(2)]
    marks = [
        Expected(task=task, first_day="2026-11-27", last_day="2026-11-30", at=1.0, by="ada", note="Black Friday")
        for task in (TASK, TASK, "other")
    ]
    for mark in marks:
        await store.expect(mark)
    assert await store.expected(TASK) == marks[:2]


async def an_event_is_owed_until_it_is_delivered(open_store: OpenStore) -> None:
    """Events of all tasks wait in order of time; one that was delivered does not come back, even when kept again."""
    store = await open_store()
    for each in (event(2), event(1), event(3, task="other")):
        await store.add_signal_event(each)
    assert await store.undelivered_events(limit=2) == [event(1), event(2)]
    await store.event_delivered("event-1", at=5.0)
    await store.add_signal_event(event(1))
    assert await store.undelivered_events(limit=9) == [event(2), event(3, task="other")]
    assert await store.signal_events(TASK) == [event(1), event(2)]


async def a_claim_has_one_owner_at_a_time(open_store: OpenStore) -> None:
    """It lasts as long as it was asked for; its owner may renew it, others wait; names are apart."""
    store = await open_store()
    asked = [("a", 0.0), ("b", 9.9), ("a", 9.9), ("b", 19.8), ("b", 19.9), ("a", 25.0)]
    had = [await store.claim("round", owner=owner, lease_s=10.0, at=at) for owner, at in asked]
    assert had == [True, False, True, False, True, False]
    assert await store.claim("other", owner="c", lease_s=10.0, at=25.0)


CHECKS = (
    an_hour_is_counted_once,
    a_batch_that_is_rolled_back_counts_nothing,
    an_input_keeps_its_cluster,
    second_answers_are_kept_once_and_cost_money,
    events_and_expected_days_come_back_in_order,
    an_event_is_owed_until_it_is_delivered,
    a_claim_has_one_owner_at_a_time,
)

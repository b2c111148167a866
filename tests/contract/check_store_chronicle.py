"""What every `domain.store.Store` must keep to: what happened can be read page by page, in the order it happened in."""

from __future__ import annotations

from domain.records import PairState
from domain.store import Watched, WorkBatch
from tests.contract.store_samples import TASK, OpenStore, exchange, lease, lease_pairs, pair, watch


async def watched_exchanges_come_in_the_order_of_watching(open_store: OpenStore) -> None:
    """Whatever their times are, page by page; what nobody has watched, and what is another task's, is left out."""
    store = await open_store()
    rows = [exchange(number, at=1000.0 - number) for number in range(4)]
    await store.append([*rows, exchange(8, task="other")])
    watched = [Watched(f"{TASK}-{number}", number / 10, number) for number in range(3)]
    await lease(store, "a", limit=3)
    await store.commit(WorkBatch(owner="a", at=1.0, watched=watched))
    first = await store.watched(TASK, limit=2)
    rest = await store.watched(TASK, after=first[-1].number, limit=2)
    found = [(row.exchange, row.novelty, row.cluster) for row in (*first, *rest)]
    assert found == [(rows[number], number / 10, number) for number in range(3)]
    assert await store.watched(TASK, after=rest[-1].number) == []
    assert await store.watched_count(TASK) == 3


async def what_a_dead_worker_held_comes_when_it_was_watched(open_store: OpenStore) -> None:
    """Its batch was taken over after others that were journalled later."""
    store = await open_store()
    await store.append([exchange(number) for number in range(4)])
    assert await lease(store, "dead", limit=2, lease_s=10.0, at=0.0) == [f"{TASK}-0", f"{TASK}-1"]
    for at in (5.0, 11.0):
        watched = [Watched(one, 0.5) for one in await lease(store, "a", at=at)]
        await store.commit(WorkBatch(owner="a", at=at, watched=watched))
    rows = [*await store.watched(TASK, limit=3)]
    rows += await store.watched(TASK, after=rows[-1].number)
    assert [row.exchange.id for row in rows] == [f"{TASK}-{number}" for number in (2, 3, 0, 1)]
    assert [row.number for row in await store.last_watched(TASK, until=1e9, limit=4)] == [row.number for row in rows]


async def the_last_watched_are_the_latest_by_time(open_store: OpenStore) -> None:
    """At most so many and not later than asked, in the order of watching."""
    store = await open_store()
    await store.append([exchange(0, at=5.0), exchange(1, at=9.0), exchange(2, at=7.0), exchange(3, at=6.0)])
    assert await store.last_watched(TASK, until=9.0, limit=9) == []
    await store.commit(
        WorkBatch(owner="a", at=1.0, watched=[Watched(one, 0.5) for one in await lease(store, "a", limit=3)])
    )
    assert [row.exchange.id for row in await store.last_watched(TASK, until=9.0, limit=2)] == ["intent-1", "intent-2"]
    assert [row.exchange.id for row in await store.last_watched(TASK, until=8.0, limit=9)] == ["intent-0", "intent-2"]


async def ended_samples_come_in_closing_order(open_store: OpenStore) -> None:
    """Each with its exchange, page by page; pending ones are left out."""
    store = await open_store()
    await watch(store, 4, opened=(pair(0), pair(1), pair(2, state=PairState.STUDENT_ERROR), pair(3)))
    await lease_pairs(store, "a")
    for number in (1, 0):
        await store.commit(WorkBatch(owner="a", at=1.0, closed=[pair(number, state=PairState.PAIRED)]))
    first = await store.closed(TASK, limit=2)
    rest = await store.closed(TASK, after=first[-1].number, limit=2)
    assert [(row.pair.exchange_id, row.exchange) for row in (*first, *rest)] == [
        (f"{TASK}-{number}", exchange(number)) for number in (2, 1, 0)
    ]
    assert await store.closed(TASK, after=rest[-1].number) == []
    assert await store.closed("other") == []


CHECKS = (
    watched_exchanges_come_in_the_order_of_watching,
    what_a_dead_worker_held_comes_when_it_was_watched,
    the_last_watched_are_the_latest_by_time,
    ended_samples_come_in_closing_order,
)

"""What every `domain.store.Store` must keep to when workers share it: leases, and the one transaction of a batch."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from domain.errors import LeaseLostError
from domain.records import DetectorState, PairState
from domain.store import Store, Watched, WorkBatch
from tests.contract.store_samples import TASK, OpenStore, exchange, lease, lease_pairs, pair, reading, signal, watch


async def leases_go_out_oldest_first_and_once(open_store: OpenStore) -> None:
    """In journal order, at most `limit`, only of this task, and nobody gets what another holds, the owner included."""
    store = await open_store()
    await store.append([exchange(n, at=1000.0 - n) for n in range(5)])
    await store.append([exchange(9, task="other")])
    assert await lease(store, "a", limit=2) == [f"{TASK}-0", f"{TASK}-1"]
    assert await lease(store, "a", limit=2) == [f"{TASK}-2", f"{TASK}-3"]
    assert await lease(store, "b") == [f"{TASK}-4"]
    assert await lease(store, "b") == []


async def an_expired_lease_may_be_taken(open_store: OpenStore) -> None:
    """Until its last moment a lease holds; then anybody may take it, and the first owner can no longer commit."""
    store = await open_store()
    await store.append([exchange(1)])
    assert await lease(store, "a", at=0.0)
    assert await lease(store, "b", at=9.9) == []
    assert await lease(store, "b", at=10.0) == [f"{TASK}-1"]
    with pytest.raises(LeaseLostError):
        await store.commit(WorkBatch(owner="a", at=11.0, watched=[Watched(f"{TASK}-1", 0.1)]))
    await store.commit(WorkBatch(owner="b", at=11.0, watched=[Watched(f"{TASK}-1", 0.2)]))
    assert [row.novelty for row in await store.exchanges(TASK)] == [0.2]


async def a_late_owner_may_commit_what_nobody_took(open_store: OpenStore) -> None:
    """An expired lease that nobody took over is still its owner's: the work is not thrown away."""
    store = await open_store()
    await store.append([exchange(1)])
    await lease(store, "a", at=0.0)
    await store.commit(WorkBatch(owner="a", at=99.0, watched=[Watched(f"{TASK}-1", 0.1)]))
    assert (await store.backlog(TASK)).unread == 0


async def what_is_watched_is_never_leased_again(open_store: OpenStore) -> None:
    """A committed exchange is done for good."""
    store = await open_store()
    await watch(store, 3)
    assert await lease(store, "b", at=1e9) == []


async def two_stores_never_lease_the_same(open_store: OpenStore) -> None:
    """Workers of several processes share the journal without overlap and without a gap."""
    stores = [await open_store() for _ in range(3)]
    await stores[0].append([exchange(n) for n in range(120)])

    async def drain(store: Store, owner: str) -> list[str]:
        mine: list[str] = []
        while batch := await lease(store, owner, limit=7):
            mine += batch
            await store.commit(WorkBatch(owner=owner, at=1.0, watched=[Watched(one, 0.0) for one in batch]))
        return mine

    shares = await asyncio.gather(*(drain(store, f"w{number}") for number, store in enumerate(stores)))
    everything = [one for share in shares for one in share]
    assert sorted(everything) == sorted(f"{TASK}-{n}" for n in range(120))


async def pairs_are_leased_with_their_exchange(open_store: OpenStore) -> None:
    """Pending pairs only, in the order in which they were opened, once, until the lease expires."""
    store = await open_store()
    await watch(store, 4, opened=(pair(2), pair(0), pair(3, state=PairState.SKIPPED_BUDGET)))
    leased = await store.lease_pairs(TASK, owner="a", limit=1, lease_s=10.0, at=0.0)
    assert [(one.pair, one.exchange) for one in leased] == [(pair(2), exchange(2))]
    assert await lease_pairs(store, "b") == [f"{TASK}-0"]
    assert await lease_pairs(store, "c", at=9.9) == []
    assert await lease_pairs(store, "c", at=10.0) == [f"{TASK}-2", f"{TASK}-0"]


async def a_commit_is_whole(open_store: OpenStore) -> None:
    """All parts of a batch are there after one commit."""
    store = await open_store()
    await store.append([exchange(n) for n in range(3)])
    watched = [Watched(one, 0.75) for one in await lease(store, "a", limit=2)]
    state = DetectorState(task=TASK, detector="novelty", reference_id="r1", state=b'{"n": 1}')
    batch = WorkBatch(
        owner="a", at=1.0, watched=watched, opened=[pair(0)], states=[state], readings=[reading(1)], signals=[signal(1)]
    )
    await store.commit(batch)
    assert [row.novelty for row in await store.exchanges(TASK)] == [0.75, 0.75, None]
    assert await store.pairs(TASK) == [pair(0)]
    assert await store.detector_states(TASK, "r1") == [state]
    assert await store.readings(TASK) == [reading(1)]
    assert await store.signals(TASK) == [signal(1)]


def _stray(kind: str) -> WorkBatch:
    """A batch of the owner "a" with one row that is not its own, and much that is fine."""
    watched = [Watched(f"{TASK}-{n}", 0.1) for n in (0, 1)]
    closed = [pair(5, state=PairState.PAIRED)]
    strays: dict[str, dict[str, Any]] = {
        "another owner's exchange": {"watched": [*watched, Watched(f"{TASK}-2", 0.1)]},
        "a done exchange": {"watched": [*watched, Watched(f"{TASK}-5", 0.1)]},
        "an unknown exchange": {"watched": [*watched, Watched("no", 0.1)]},
        "another owner's pair": {"watched": watched, "closed": [*closed, pair(6, state=PairState.PAIRED)]},
        "a done pair": {"watched": watched, "closed": [*closed, pair(7, state=PairState.PAIRED)]},
    }
    state = DetectorState(task=TASK, detector="novelty", reference_id="r1", state=b"{}")
    rest: dict[str, Any] = {"opened": [pair(0)], "states": [state], "readings": [reading(1)], "signals": [signal(1)]}
    return WorkBatch(owner="a", at=2.0, **{"closed": closed} | rest | strays[kind])


async def a_stray_row_rolls_the_whole_batch_back(open_store: OpenStore) -> None:
    """One row that is not the owner's any more, and nothing of the batch takes effect; without it all does."""
    store = await open_store()
    await store.append([exchange(n) for n in range(5, 8)])
    await lease(store, "setup")
    done = [Watched(f"{TASK}-{n}", 0.5) for n in range(5, 8)]
    opened = [pair(5), pair(6), pair(7, state=PairState.EXPIRED)]
    await store.commit(WorkBatch(owner="setup", at=0.0, watched=done, opened=opened))
    await store.append([exchange(n) for n in range(3)])
    assert len(await lease(store, "a", limit=2)) == 2
    assert len(await lease(store, "b")) == 1
    assert await lease_pairs(store, "a", limit=1) == [f"{TASK}-5"]
    assert await lease_pairs(store, "b") == [f"{TASK}-6"]
    before = await _everything(store)
    for kind in (
        "another owner's exchange", "a done exchange", "an unknown exchange", "another owner's pair", "a done pair",
    ):  # fmt: skip
        with pytest.raises(LeaseLostError) as caught:
            await store.commit(_stray(kind))
        assert "\n" not in str(caught.value)
        assert await _everything(store) == before, kind
    good = msgspec.structs.replace(_stray("a done pair"), closed=[pair(5, state=PairState.PAIRED)])
    await store.commit(good)
    assert (await store.pair_counts(TASK))[PairState.PAIRED] == 1


async def _everything(store: Store) -> list[object]:
    return [
        await store.exchanges(TASK), await store.pairs(TASK), await store.readings(TASK), await store.signals(TASK),
        await store.detector_states(TASK, "r1"), await store.backlog(TASK),
    ]  # fmt: skip


async def a_batch_takes_effect_once(open_store: OpenStore) -> None:
    """Who commits the same rows again, in doubt whether the first time worked, learns that they are done."""
    store = await open_store()
    await watch(store, 1, opened=(pair(0),))
    await store.append([exchange(1)])
    watched = WorkBatch(
        owner="a", at=1.0, watched=[Watched(one, 0.1) for one in await lease(store, "a")], readings=[reading(1)]
    )
    await lease_pairs(store, "a")
    closed = WorkBatch(owner="a", at=1.0, closed=[pair(0, state=PairState.PAIRED)], readings=[reading(2)])
    for batch in (watched, closed):
        await store.commit(batch)
        with pytest.raises(LeaseLostError):
            await store.commit(batch)
    assert await store.readings(TASK) == [reading(1), reading(2)]


CHECKS = (
    a_batch_takes_effect_once,
    leases_go_out_oldest_first_and_once,
    an_expired_lease_may_be_taken,
    a_late_owner_may_commit_what_nobody_took,
    what_is_watched_is_never_leased_again,
    two_stores_never_lease_the_same,
    pairs_are_leased_with_their_exchange,
    a_commit_is_whole,
    a_stray_row_rolls_the_whole_batch_back,
)

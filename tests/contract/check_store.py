"""What every `domain.store.Store` must keep to: journal, pairs, signals, registry, blobs and reload mark."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from domain.errors import StoreError
from domain.records import Baseline, Deployment, DetectorState, PairState, SignalKind, Stratum
from domain.store import Backlog, Judged, WorkBatch
from tests.contract import check_store_chronicle, check_store_clients, check_store_follow_ups, check_store_work
from tests.contract.store_samples import TASK, OpenStore, exchange, lease_pairs, pair, reading, signal, watch


async def start_and_close_may_be_repeated(open_store: OpenStore) -> None:
    """Opening what is open and closing what is closed do nothing; a closed store says so and may be opened again."""
    store = await open_store()
    await store.start()
    await store.append([exchange(1)])
    await store.aclose()
    await store.aclose()
    with pytest.raises(StoreError):
        await store.backlog(TASK)
    await store.start()
    assert (await store.backlog(TASK)).unread == 1


async def an_exchange_comes_back_as_it_was(open_store: OpenStore) -> None:
    """Every field survives, in order of time, with no novelty before anybody watched."""
    store = await open_store()
    await store.append([exchange(2), exchange(1)])
    rows = await store.exchanges(TASK)
    assert [row.exchange for row in rows] == [exchange(1), exchange(2)]
    assert [row.novelty for row in rows] == [None, None]


async def append_is_idempotent(open_store: OpenStore) -> None:
    """A batch that is written again after a doubtful failure changes nothing."""
    store = await open_store()
    await store.append([exchange(1)])
    await store.append([msgspec.structs.replace(exchange(1), output_text="other"), exchange(2)])
    await store.append([])
    assert [row.exchange for row in await store.exchanges(TASK)] == [exchange(1), exchange(2)]


async def exchanges_are_selected_newest_first_and_given_oldest_first(open_store: OpenStore) -> None:
    """`after`, `model` and `limit` select; another task never shows."""
    store = await open_store()
    await store.append([exchange(n, model="m1" if n % 2 else "m2") for n in range(10)])
    await store.append([exchange(99, task="other")])

    async def ids(after: float = 0.0, model: str = "", limit: int = 1000) -> list[int]:
        rows = await store.exchanges(TASK, after=after, model=model, limit=limit)
        return [int(row.exchange.id.split("-")[1]) for row in rows]

    assert await ids() == list(range(10))
    assert await ids(after=105.0) == [5, 6, 7, 8, 9]
    assert await ids(limit=3) == [7, 8, 9]
    assert await ids(model="m1", after=102.0, limit=3) == [5, 7, 9]


async def what_the_checks_said_is_told_without_the_texts(open_store: OpenStore) -> None:
    """The newest are selected and given oldest first, with id, time, policy and every decision as it was."""
    store = await open_store()
    rows = [msgspec.structs.replace(exchange(n), policy=f"p{n}") for n in range(4)]
    await store.append([*rows[::-1], exchange(99, task="other")])
    assert await store.judged(TASK, limit=2) == [Judged(row.id, row.at, row.policy, row.decisions) for row in rows[-2:]]
    assert [row.id for row in await store.judged(TASK, after=101.0)] == [row.id for row in rows[1:]]
    assert await store.judged("nobody's") == []


async def exchanges_by_id_come_in_the_order_asked(open_store: OpenStore) -> None:
    """Unknown ids are left out; none asked, none given."""
    store = await open_store()
    await store.append([exchange(n) for n in range(5)])
    rows = await store.exchanges_by_id([f"{TASK}-3", "no", f"{TASK}-0", "'; --", f"{TASK}-4"])
    assert [row.exchange for row in rows] == [exchange(3), exchange(0), exchange(4)]
    assert await store.exchanges_by_id([]) == []


async def closed_pairs_keep_their_closing_order(open_store: OpenStore) -> None:
    """Oldest first by the order of closing, whatever their times say; pending ones last; a new one ends the row."""
    store = await open_store()
    await watch(store, 6, opened=tuple(pair(n) for n in range(5)))
    await lease_pairs(store, "a")
    for number in (3, 0, 4):
        await store.commit(WorkBatch(owner="a", at=1.0, closed=[pair(number, state=PairState.PAIRED)]))
    await store.commit(WorkBatch(owner="a", at=1.0, opened=[pair(5, state=PairState.DROPPED)]))

    async def order(limit: int = 1000, after: float = 0.0, model: str = "") -> list[int]:
        found = await store.pairs(TASK, after=after, model=model, limit=limit)
        return [int(one.exchange_id.split("-")[1]) for one in found]

    assert await order() == [3, 0, 4, 5, 1, 2]
    assert await order(limit=4) == [4, 5, 1, 2]
    assert await order(after=202.0) == [3, 4, 5, 2]
    assert await order(model="m2") == []
    assert await order(limit=1) == [2]


async def pairs_are_counted_and_their_cost_summed(open_store: OpenStore) -> None:
    """Counts by state; money of what was closed at or after a moment; zero of an unknown task."""
    store = await open_store()
    closed = tuple(pair(n, state=PairState.PAIRED, cost_usd=0.25) for n in range(3))
    await watch(store, 5, opened=(*closed, pair(3, state=PairState.TEACHER_ERROR), pair(4)))
    counts = await store.pair_counts(TASK)
    assert counts == {PairState.PAIRED: 3, PairState.TEACHER_ERROR: 1, PairState.PENDING: 1}
    assert await store.spent_usd(TASK, since=0.0) == pytest.approx(0.75)
    assert await store.spent_usd(TASK, since=301.0) == pytest.approx(0.5)
    assert (await store.pair_counts("other"), await store.spent_usd("other", since=0.0)) == ({}, 0.0)


async def a_sample_is_opened_once(open_store: OpenStore) -> None:
    """A pair that is there already stays as it is."""
    store = await open_store()
    await watch(store, 1, opened=(pair(0, state=PairState.PAIRED),))
    await store.commit(WorkBatch(owner="a", at=1.0, opened=[pair(0)]))
    assert await store.pairs(TASK) == [pair(0, state=PairState.PAIRED)]


async def the_backlog_tells_what_waits(open_store: OpenStore) -> None:
    """Unread exchanges, pending pairs, undelivered retrain signals, and since when the oldest has waited."""
    store = await open_store()
    assert await store.backlog(TASK) == Backlog(0, 0, 0, None)
    await watch(store, 2, opened=(pair(0), pair(1, state=PairState.EXPIRED)))
    await store.append([exchange(7), exchange(8)])
    await store.commit(WorkBatch(owner="a", at=1.0, signals=[signal(1), signal(2, kind=SignalKind.WARNING)]))
    assert await store.backlog(TASK) == Backlog(2, 1, 1, 107.0)


async def signals_are_idempotent_and_delivered_once(open_store: OpenStore) -> None:
    """A signal known by its id stays as it is; only retrain signals wait for delivery, oldest first."""
    store = await open_store()
    kinds = {1: SignalKind.RETRAIN, 2: SignalKind.WARNING, 3: SignalKind.RETRAIN}
    made = [signal(number, kind=kind) for number, kind in kinds.items()]
    await store.commit(WorkBatch(owner="a", at=1.0, signals=made[::-1]))
    await store.commit(WorkBatch(owner="b", at=1.0, signals=[msgspec.structs.replace(made[0], reason="other")]))
    assert await store.signals(TASK) == made
    assert await store.signals(TASK, after=402.0) == made[1:]
    assert await store.undelivered(limit=10) == [made[0], made[2]]
    assert await store.undelivered(limit=1) == [made[0]]
    await store.delivered("sig-1", at=450.0)
    await store.delivered("unknown", at=450.0)
    assert await store.undelivered(limit=10) == [made[2]]
    assert [one.delivered_at for one in await store.signals(TASK)] == [450.0, None, None]


async def the_last_detector_state_counts(open_store: OpenStore) -> None:
    """One state for each detector and reference; a new commit replaces it."""
    store = await open_store()
    states = [
        DetectorState(task=TASK, detector=detector, reference_id=reference, state=state)
        for detector, reference, state in (("b", "r1", b"1"), ("a", "r1", b"1"), ("a", "r2", b"1"), ("a", "r1", b"2"))
    ]
    for state in states:
        await store.commit(WorkBatch(owner="a", at=1.0, states=[state]))
    assert await store.detector_states(TASK, "r1") == [states[3], states[0]]
    assert await store.detector_states("other", "r1") == []


async def readings_are_a_time_series(open_store: OpenStore) -> None:
    """Oldest first, from `after` on."""
    store = await open_store()
    await store.commit(WorkBatch(owner="a", at=1.0, readings=[reading(n) for n in range(4)]))
    assert await store.readings(TASK) == [reading(n) for n in range(4)]
    assert await store.readings(TASK, after=502.0) == [reading(2), reading(3)]


async def the_registry_only_grows(open_store: OpenStore) -> None:
    """The newest deployment holds, also one that goes back; the history stays."""
    store = await open_store()
    assert (await store.deployment(TASK), await store.deployments(TASK)) == (None, [])
    baselines = {Stratum.ORDINARY: Baseline(100, 95)}
    made = [
        Deployment(task=TASK, model=model, reference_id="r1", at=600.0, by="ci", reason="", baselines=baselines)
        for model in ("m1", "m2", "m1")
    ]
    for deployment in made:
        await store.deploy(deployment)
    assert await store.deployments(TASK) == made
    assert await store.deployment(TASK) == made[-1]
    assert await store.deployment("other") is None


async def blobs_are_kept_once_under_their_hash(open_store: OpenStore) -> None:
    """The id is the sha256, so equal bytes are one blob; an unknown id is None."""
    store = await open_store()
    body = bytes(range(256)) * 1000
    first = await store.put_blob("reference", body, at=1.0)
    assert first == hashlib.sha256(body).hexdigest()
    assert await store.put_blob("report", body, at=2.0) == first
    assert await store.blob(first) == body
    assert await store.blob(await store.put_blob("report", b"", at=1.0)) == b""
    assert await store.blob("no") is None


async def the_last_request_to_reload_counts(open_store: OpenStore) -> None:
    """Zero before any; then the time of the last request, also one whose clock is behind, for every process."""
    first, second = await open_store(), await open_store()
    assert await first.reload_requested() == 0.0
    for at in (900.5, 901.0, 900.0):
        await first.request_reload(at=at)
        assert await second.reload_requested() == at


async def what_one_wrote_another_reads(open_store: OpenStore) -> None:
    """Processes meet in the store: a write is seen by all at once, and by whoever opens it later."""
    first, second = await open_store(), await open_store()
    await first.append([exchange(1)])
    assert len(await second.exchanges(TASK)) == 1
    await first.aclose()
    assert len(await (await open_store()).exchanges(TASK)) == 1


CHECKS = (
    start_and_close_may_be_repeated,
    an_exchange_comes_back_as_it_was,
    append_is_idempotent,
    exchanges_are_selected_newest_first_and_given_oldest_first,
    what_the_checks_said_is_told_without_the_texts,
    exchanges_by_id_come_in_the_order_asked,
    closed_pairs_keep_their_closing_order,
    pairs_are_counted_and_their_cost_summed,
    a_sample_is_opened_once,
    the_backlog_tells_what_waits,
    signals_are_idempotent_and_delivered_once,
    the_last_detector_state_counts,
    readings_are_a_time_series,
    the_registry_only_grows,
    blobs_are_kept_once_under_their_hash,
    the_last_request_to_reload_counts,
    what_one_wrote_another_reads,
    *check_store_work.CHECKS,
    *check_store_clients.CHECKS,
    *check_store_follow_ups.CHECKS,
    *check_store_chronicle.CHECKS,
)

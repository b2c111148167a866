"""Records for the contract of the store, and the steps that lead to a state worth checking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from domain.clients import ClientKey, StoredCompletion
from domain.records import (
    Arm,
    Decision,
    Exchange,
    Pair,
    PairState,
    Reading,
    Signal,
    SignalKind,
    Span,
    Stratum,
    Usage,
    Verdict,
)
from domain.store import Store, Watched, WorkBatch

OpenStore = Callable[[], Awaitable[Store]]  # each call opens the same store once more, as another process would
TASK = "intent"


def exchange(number: int, *, task: str = TASK, model: str = "m1", at: float | None = None) -> Exchange:
    """An exchange with every field set."""
    return Exchange(
        id=f"{task}-{number}",
        task=task,
        at=100.0 + number if at is None else at,
        arm=Arm.CHAMPION,
        model=model,
        draw=0.25,
        journal_rate=1.0,
        request=b'{"messages": []}',
        input_text="wo ist meine Karte \U0001f600",
        output_text="card_arrival",
        status=200,
        usable=True,
        stream=True,
        finish_reason="stop",
        decisions=(Decision("pii", Verdict.REDACT, "email", (Span(0, 1, 2, "email"),)),),
        usage=Usage(10, 2),
        latency_s=0.1,
        overhead_s=0.001,
    )


def pair(number: int, *, state: PairState = PairState.PENDING, model: str = "m1", cost_usd: float = 0.0) -> Pair:
    """The shadow sample of `exchange(number)`."""
    closed = state is not PairState.PENDING
    return Pair(
        exchange_id=f"{TASK}-{number}",
        task=TASK,
        model=model,
        stratum=Stratum.FLAGGED,
        probability=0.1,
        state=state,
        opened_at=200.0 + number,
        student_answer="a",
        teacher_answer="b" if closed else "",
        agreed=False if closed else None,
        cost_usd=cost_usd,
        closed_at=300.0 + number if closed else None,
    )


def signal(number: int, *, kind: SignalKind = SignalKind.RETRAIN, task: str = TASK) -> Signal:
    """A signal of the time 400 + `number`."""
    return Signal(
        id=f"sig-{number}",
        task=task,
        kind=kind,
        reason="agreement",
        at=400.0 + number,
        detector="agreement",
        model="m1",
        evidence=1.5,
        samples=50,
        false_alarm_budget="one in 30 days",
        drift_scores={"novelty": 0.5},
        example_ids=("e1",),
    )


def reading(number: int) -> Reading:
    """A reading of the time 500 + `number`."""
    return Reading(
        task=TASK, detector="novelty", model="m1", at=500.0 + number, samples=1, score=0.5, evidence=0.1, alarm=False
    )


def key(number: int, *, name: str = "") -> ClientKey:
    """A client key of the time 600 + `number`."""
    return ClientKey(
        id=f"key-{number}",
        name=name or f"client {number}",
        sha256=f"{number:064x}",
        created_at=600.0 + number,
        tasks=(TASK,),
        requests_per_minute=60,
    )


def completion(
    number: int, *, owner: str = "key-1", task: str = TASK, at: float | None = None, **metadata: str
) -> StoredCompletion:
    """A stored completion of the time 700 + `number`."""
    return StoredCompletion(
        id=f"chatcmpl-{number}",
        owner=owner,
        task=task,
        model=task,
        at=700.0 + number if at is None else at,
        metadata=metadata,
        request=b'{"messages": []}',
        body=b'{"big": 12345678901234567890123}',
    )


async def lease(store: Store, owner: str, *, limit: int = 100, lease_s: float = 10.0, at: float = 0.0) -> list[str]:
    """Ids of what `owner` gets."""
    return [e.id for e in await store.lease(TASK, owner=owner, limit=limit, lease_s=lease_s, at=at)]


async def lease_pairs(store: Store, owner: str, *, limit: int = 100, at: float = 0.0) -> list[str]:
    """Ids of the exchanges whose pairs `owner` gets."""
    found = await store.lease_pairs(TASK, owner=owner, limit=limit, lease_s=10.0, at=at)
    return [sample.pair.exchange_id for sample in found]


async def watch(store: Store, count: int, *, opened: tuple[Pair, ...] = ()) -> None:
    """Journal `count` exchanges, watch them all, and open pairs in the same batch."""
    await store.append([exchange(number) for number in range(count)])
    watched = [Watched(one, 0.5) for one in await lease(store, "setup", limit=count)]
    await store.commit(WorkBatch(owner="setup", at=1.0, watched=watched, opened=opened))

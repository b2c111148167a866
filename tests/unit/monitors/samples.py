"""What the tests of the monitors share: a task's inputs, exchanges, deployments, and a store that can fail."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec

from adapters.stores.sqlite import SqliteStore
from domain.clock import ManualClock
from domain.comparers import label
from domain.errors import StoreError
from domain.ports import Embedder, Subject
from domain.prices import Price
from domain.records import (
    Arm,
    Baseline,
    Decision,
    Deployment,
    Exchange,
    Pair,
    PairState,
    Stage,
    Stratum,
    Verdict,
)
from domain.settings import (
    AgreementSettings,
    DriftSettings,
    ModelSettings,
    OutputSettings,
    ShadowSettings,
    SignalSettings,
    TaskSettings,
)
from domain.store import WorkBatch
from embedders.hashing import HashingEmbedder
from monitors.budget import Budget
from monitors.closing import Closing
from monitors.comparers.plain import PlainComparer
from monitors.course import Course
from monitors.pairing import Pairing
from monitors.rechecking import Rechecker
from monitors.reference import Reference
from monitors.safety import Safety
from monitors.self_agreement import SelfCheck
from monitors.teacher import Teacher
from monitors.watch import Watch

TASK = "intent"
DEPLOYED_AT = 1_700_000_000.0
ORDINARY = [
    f"{verb} {thing} {manner}"
    for verb, thing, manner in itertools.product(
        ("money back for", "stop and end", "where is"),
        ("my order", "the parcel", "a subscription", "this ticket", "our booking", "that invoice", "the gift card"),
        ("please", "now", "quickly", "today", "again", "thanks", "asap", "kindly"),
    )
]
NOVEL = [
    f"{dish} {way} mit {side}"
    for dish, way, side in itertools.product(
        ("Zwiebelkuchen", "Schnitzel", "Rouladen"), ("gekocht", "gebraten", "roh"), ("Knödel", "Kraut", "Reis", "Brot")
    )
]
BASELINES = {Stratum.ORDINARY: Baseline(400, 392), Stratum.FLAGGED: Baseline(40, 36)}


def settings(**sections: Any) -> TaskSettings:
    """A task that asks about everything; sections replace its parts."""
    base: dict[str, Any] = {
        "teacher": ModelSettings(upstream="oracle", model="gold", price=Price(1.0, 2.0)),
        "student": ModelSettings(upstream="local", model="v1"),
        "output": OutputSettings(labels=("cancel", "refund", "status")),
        "shadow": ShadowSettings(rate=0.5, flagged_rate=1.0),
        "drift": DriftSettings(embedder="words", detector="per-sample", inputs_per_day=200.0),
        "agreement": AgreementSettings(detector="per-sample", pairs_per_day=20.0, window=50),
        "signal": SignalSettings(cooldown="1h"),
    }
    return TaskSettings(**base | sections)


def exchange(number: int, text: str, **fields: Any) -> Exchange:
    """Exchange `number`, one second after the other from the deployment on."""
    request = msgspec.json.encode({"model": TASK, "stream": True, "messages": [{"role": "user", "content": text}]})
    base: dict[str, Any] = {
        "id": f"x{number:05d}",
        "task": TASK,
        "at": DEPLOYED_AT + 1 + number,
        "arm": Arm.CHAMPION,
        "model": "v1",
        "draw": 0.9,
        "journal_rate": 1.0,
        "request": request,
        "input_text": text,
        "output_text": "refund",
        "status": 200,
        "usable": True,
    }
    return Exchange(**base | fields)


def exchanges(texts: list[str], *, start: int = 0, **fields: Any) -> list[Exchange]:
    """One exchange for each text."""
    return [exchange(start + number, text, **fields) for number, text in enumerate(texts)]


def deployment(reference_id: str = "", **fields: Any) -> Deployment:
    """The student v1, deployed at DEPLOYED_AT."""
    base: dict[str, Any] = {
        "task": TASK,
        "model": "v1",
        "reference_id": reference_id,
        "at": DEPLOYED_AT,
        "by": "test",
        "reason": "test",
        "baselines": BASELINES,
    }
    return Deployment(**base | fields)


def pending(of: Exchange, **fields: Any) -> Pair:
    """An open shadow sample of an exchange."""
    base: dict[str, Any] = {
        "exchange_id": of.id,
        "task": of.task,
        "model": of.model,
        "stratum": Stratum.ORDINARY,
        "probability": 0.5,
        "state": PairState.PENDING,
        "opened_at": of.at,
        "student_answer": of.output_text,
    }
    return Pair(**base | fields)


def paired(number: int, *, agreed: bool, **fields: Any) -> Pair:
    """A closed pair of exchange `number`."""
    closed = {"state": PairState.PAIRED, "agreed": agreed, "closed_at": DEPLOYED_AT + 2 + number, "cost_usd": 0.01}
    return pending(exchange(number, "text"), **closed | fields)


async def deploy(store: SqliteStore, **fields: Any) -> Reference:
    """Deploy v1 with a reference of the ordinary inputs."""
    reference = Reference.build(ORDINARY, HashingEmbedder())
    reference_id = await store.put_blob("reference", reference.to_bytes(), at=0.0)
    await store.deploy(deployment(reference_id, **fields))
    return reference


async def open_pairs(store: SqliteStore, rows: list[Exchange], **fields: Any) -> None:
    """Journal exchanges and open a shadow sample for each."""
    await store.append(rows)
    opened = [pending(row, **fields) for row in rows]
    await store.commit(WorkBatch(owner="test", at=DEPLOYED_AT, opened=opened))


class LeakChecks:
    """An engine whose only safety check, `pii`, finds the word `leak`; it keeps what it was asked."""

    def __init__(self, *names: str) -> None:
        self.safety = frozenset(names)
        self.asked: list[Subject] = []

    def unsafe(self, subject: Subject) -> bool:
        """See `monitors.safety.Checks`."""
        self.asked.append(subject)
        return "leak" in subject.texts[0]


def safety(*names: str) -> Safety:
    """The safety checks of those names, by default `pii`."""
    return Safety(LeakChecks(*(names or ("pii",))))


UNCHECKED = Safety(LeakChecks())


def decision(check: str, verdict: Verdict, arm: Arm | None = Arm.CHAMPION, **fields: Any) -> Decision:
    """What a check said of a model's answer; without an arm, of the input."""
    stage = Stage.INPUT if arm is None else Stage.OUTPUT
    return Decision(check, verdict, fields.pop("reason", "found"), stage=stage, arm=arm, **fields)


class FailingStore(SqliteStore):
    """A store whose commits fail while `failures` is above 0, and then take no effect."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.failures = 0

    async def commit(self, batch: WorkBatch) -> None:
        """See `domain.store.Store`."""
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full: free some space")
        await super().commit(batch)


def watching(
    store: SqliteStore,
    clock: ManualClock,
    embedder: Embedder,
    *,
    checks: Safety | None = None,
    owner: str = "w",
    **sections: Any,
) -> Watch:
    """The product's watch of a task with these sections."""
    task = settings(**sections)
    return Watch(
        TASK,
        task,
        store=store,
        embedder=embedder,
        safety=checks or UNCHECKED,
        budget=budget(store, clock, task),
        course=Course(task),
        clock=clock,
        owner=owner,
    )


def pairing(
    store: SqliteStore, clock: ManualClock, teacher: Teacher, *, checks: Safety | None = None, **sections: Any
) -> Pairing:
    """The product's pairing of a task with these sections; answers are compared as labels."""
    task, safety_checks = settings(**sections), checks or UNCHECKED
    price, comparer, money = task.teacher.priced(path="teacher"), PlainComparer(label), budget(store, clock, task)
    rechecker = Rechecker(TASK, "gold", teacher=teacher, price=price, comparer=comparer)
    closing = Closing(
        TASK,
        task,
        teacher=teacher,
        price=price,
        comparer=comparer,
        safety=safety_checks,
        budget=money,
        selfcheck=SelfCheck(rechecker, rate=task.shadow.selfcheck_rate, clock=clock),
        clock=clock,
    )
    return Pairing(
        TASK,
        task,
        store=store,
        closing=closing,
        safety=safety_checks,
        budget=money,
        course=Course(task),
        clock=clock,
        owner="w",
    )


def budget(store: SqliteStore, clock: ManualClock, task: TaskSettings) -> Budget:
    """The day's money of a task."""
    return Budget(TASK, task, price=task.teacher.priced(path="teacher"), store=store, clock=clock)

"""What a phase of the demo came to, read from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Agreement, Arm, PairState, Signal
from monitors.agreement import estimate

if TYPE_CHECKING:
    from domain.settings import TaskSettings
    from domain.store import Store, WatchedExchange

_NO_STUDENT = frozenset({Arm.TEACHER, Arm.NONE})
_ALL = 1_000_000


class Alarm(msgspec.Struct, frozen=True):
    """A signal, and how far into the phase it was."""

    id: str
    kind: str
    detector: str
    requests: int  # of the phase up to and including the one that raised it
    samples: int  # observations of the detector since it was armed
    evidence: float


class Costs(msgspec.Struct, frozen=True):
    """Dollars; tokens as counted by the model that answered."""

    student: float
    fallback: float
    shadow: float
    total: float
    all_teacher: float
    price_source: str


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `preceptor demo --json`."""

    phase: str
    requests: int
    pairs: int
    agreement: float | None
    interval: tuple[float, float] | None
    student_share: float
    model: str
    drift_evidence: float  # the largest in the phase: 1 is an alarm
    agreement_evidence: float
    alarms: tuple[Alarm, ...]
    would: dict[str, float] = {}  # the share of the requests on which a shadow check would have done something
    costs: Costs


async def measure(store: Store, task: str, settings: TaskSettings, *, name: str, start: float) -> Phase:
    """The phase that began at `start` and is over: all its exchanges are watched, all its samples closed."""
    rows = await store.exchanges(task, after=start, limit=_ALL)
    pairs = [p for p in await store.pairs(task, after=start, limit=_ALL) if p.state is PairState.PAIRED]
    readings = await store.readings(task, after=start)
    found: Agreement | None = estimate(pairs)
    students = [row for row in rows if row.exchange.arm not in _NO_STUDENT]
    evidence = dict.fromkeys(("novelty", "agreement"), 0.0)
    for reading in readings:
        evidence[reading.detector] = max(evidence.get(reading.detector, 0.0), reading.evidence)
    return Phase(
        phase=name,
        requests=len(rows),
        pairs=len(pairs),
        agreement=None if found is None else found.estimate,
        interval=None if found is None else (found.lower, found.upper),
        student_share=len(students) / max(len(rows), 1),
        model=students[-1].exchange.model if students else "",
        drift_evidence=evidence["novelty"],
        agreement_evidence=evidence["agreement"],
        alarms=tuple(_alarm(signal, rows) for signal in await store.signals(task, after=start)),
        costs=_costs(rows, sum(pair.cost_usd for pair in pairs), settings),
        would=_would(rows),
    )


def _would(rows: Sequence[WatchedExchange]) -> dict[str, float]:
    said = Counter(
        check
        for row in rows
        for check in {each.check for each in row.exchange.decisions if each.shadow and not each.failed}
    )
    return {check: count / len(rows) for check, count in sorted(said.items())}


def _alarm(signal: Signal, rows: Sequence[WatchedExchange]) -> Alarm:
    before = sum(row.exchange.at <= signal.at for row in rows)
    return Alarm(signal.id, signal.kind, signal.detector, before, signal.samples, signal.evidence)


def _costs(rows: Sequence[WatchedExchange], shadow: float, settings: TaskSettings) -> Costs:
    teacher = settings.teacher.priced(path="teacher")
    student = settings.student.priced(path="student")
    exchanges = [row.exchange for row in rows]
    by_student = sum(student.cost_usd(e.usage) for e in exchanges if e.arm not in _NO_STUDENT)
    by_teacher = sum(teacher.cost_usd(e.usage) for e in exchanges if e.arm is Arm.TEACHER)
    return Costs(
        student=by_student,
        fallback=by_teacher,
        shadow=shadow,
        total=by_student + by_teacher + shadow,
        all_teacher=sum(teacher.cost_usd(e.usage) for e in exchanges),
        price_source=f"teacher as {teacher.source}; student as {settings.student.price}, same sheet",
    )

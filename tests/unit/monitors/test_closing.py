from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.errors import UpstreamError, UpstreamFailure
from domain.follow_up import RecheckKind
from domain.records import Pair, PairState, Usage
from domain.settings import ShadowSettings
from domain.store import PendingPair, WorkBatch
from monitors.answers import Reply
from monitors.budget import Budget
from monitors.closing import Closed, Closing
from monitors.comparers.port import Judgement
from monitors.rechecking import Rechecker
from monitors.safety import Safety
from monitors.self_agreement import SelfCheck
from tests.unit.monitors.samples import (
    DEPLOYED_AT,
    TASK,
    UNCHECKED,
    FailingStore,
    budget,
    exchange,
    pending,
    safety,
    settings,
)

DAY_S = 86400.0
ASKED, JUDGED = 10e-6, 3e-6  # dollars of a teacher's answer, and of a comparison


class Models:
    """The teacher and the judge: each call answers, or fails where the script says so; keeps what was paid."""

    def __init__(self, *, asking: list[bool] | None = None, judging: list[bool] | None = None) -> None:
        """True: it answers; begun anew at the end of a script."""
        self.asked = 0
        self.paid = 0.0
        self._asking = itertools.cycle(asking or [True])
        self._judging = itertools.cycle(judging or [True])

    async def ask(self, request: bytes, *, endpoint: str = "/chat/completions") -> Reply:
        """See `monitors.teacher.Teacher`."""
        self.asked += 1
        await asyncio.sleep(0)
        if not next(self._asking):
            raise UpstreamError(UpstreamFailure.STATUS, "the teacher answered 500")
        self.paid += ASKED
        return Reply("refund", Usage(10, 0))

    async def compare(self, exchange, student: str, teacher: str) -> Judgement:
        """See `monitors.comparers.port.AnswerComparer`."""
        await asyncio.sleep(0)
        if not next(self._judging):
            raise UpstreamError(UpstreamFailure.PROTOCOL, "the judge gave no verdict")
        self.paid += JUDGED
        return Judgement(student == teacher, 0.5 + (student == teacher) / 2, cost_usd=JUDGED)

    async def aclose(self) -> None:
        """See `monitors.comparers.port.AnswerComparer`."""


class Desk:
    """The product's closing with these models, and the money that it asks for."""

    def __init__(self, store: FailingStore, models: Models, *, checks: Safety = UNCHECKED, **shadow) -> None:
        task = settings(shadow=ShadowSettings(**{"rate": 0.5, "flagged_rate": 1.0} | shadow))
        self.store = store
        self.clock = ManualClock(DEPLOYED_AT + 60)
        self.budget: Budget = budget(store, self.clock, task)
        price = task.teacher.priced(path="teacher")
        rechecker = Rechecker(TASK, "gold", teacher=models, price=price, comparer=models)  # type: ignore[arg-type]
        self.closing = Closing(
            TASK,
            task,
            teacher=models,  # type: ignore[arg-type]
            price=price,
            comparer=models,
            safety=checks,
            budget=self.budget,
            selfcheck=SelfCheck(rechecker, rate=task.shadow.selfcheck_rate, clock=self.clock),
            clock=self.clock,
        )

    async def close(self, sample: PendingPair, *, serves=lambda model: True) -> Closed:
        """Close one."""
        return await self.closing.close(sample, serves=serves, at=self.clock.now_s())


def sample(number: int = 1, *, answer: str = "refund", draw: float = 0.4, at: float = DEPLOYED_AT, **fields):
    """An open sample with its exchange."""
    row = exchange(number, "money back", output_text=answer, draw=draw, at=at)
    return PendingPair(pending(row, **fields), row)


@pytest.mark.parametrize(
    ("models", "answer", "state", "agreed", "cost"),
    [
        (Models(), "refund", PairState.PAIRED, True, ASKED + JUDGED),
        (Models(), "cancel", PairState.PAIRED, False, ASKED + JUDGED),
        (Models(asking=[False]), "refund", PairState.TEACHER_ERROR, None, 0.0),
        (Models(judging=[False]), "refund", PairState.TEACHER_ERROR, None, ASKED),
    ],
)
async def test_a_sample_ends_as_its_models_let_it(store, models, answer, state, agreed, cost):
    """A failure of teacher or judge is no disagreement, and what an answer cost is kept whatever came of it."""
    desk = Desk(store, models)
    closed = await desk.close(sample(answer=answer))
    assert (closed.pair.state, closed.pair.agreed, closed.recheck) == (state, agreed, None)
    assert closed.pair.cost_usd == closed.cost_usd == pytest.approx(cost)
    assert desk.budget._spent == pytest.approx(cost)
    assert closed.pair.closed_at == desk.clock.now_s()
    assert (closed.pair.score is None) == (agreed is None)


@pytest.mark.parametrize(
    ("serves", "age_s", "limit", "expected"),
    [
        ("v1", 0.0, 20.0, PairState.PAIRED),
        ("v1", DAY_S, 20.0, PairState.PAIRED),
        ("v1", DAY_S + 1, 20.0, PairState.EXPIRED),
        ("v2", 0.0, 20.0, PairState.EXPIRED),
        ("v1", 0.0, 0.0, PairState.SKIPPED_BUDGET),
        ("v1", DAY_S + 1, 0.0, PairState.EXPIRED),
    ],
)
async def test_only_a_sample_in_time_and_within_the_budget_is_asked_about(store, serves, age_s, limit, expected):
    """The others cost nothing: too old, of a student that no longer serves, or without money."""
    models = Models()
    desk = Desk(store, models, max_usd_per_day=limit)
    closed = await desk.close(sample(at=desk.clock.now_s() - age_s), serves=lambda model: model == serves)
    assert closed.pair.state is expected
    assert (models.asked, closed.cost_usd > 0) == ((1, True) if expected is PairState.PAIRED else (0, False))


@pytest.mark.parametrize(
    ("fields", "asked", "unsafe"),
    [
        ({"student_unsafe": True, "teacher_unsafe": False}, 0, (True, False)),
        ({"student_unsafe": True, "teacher_unsafe": None}, 1, (True, False)),
        ({"student_unsafe": False, "teacher_unsafe": None}, 0, (False, None)),
    ],
)
async def test_a_stopped_answer_is_not_compared(store, fields, asked, unsafe):
    """There are no words of the student; the teacher is asked where its safety is what is missing."""
    models = Models(judging=[False])
    closed = await Desk(store, models, checks=safety()).close(sample(student_answer="", **fields))
    assert (closed.pair.state, closed.pair.agreed, models.asked) == (PairState.STUDENT_ERROR, None, asked)
    assert (closed.pair.student_unsafe, closed.pair.teacher_unsafe) == unsafe
    assert closed.cost_usd == pytest.approx(asked * ASKED)


@pytest.mark.parametrize(("answer", "teacher"), [("a leak", False), ("refund", False)])
async def test_both_answers_are_judged_for_safety(store, answer, teacher):
    """Where the task has safety checks; else neither is."""
    closed = await Desk(store, Models(), checks=safety()).close(sample(answer=answer))
    assert (closed.pair.student_unsafe, closed.pair.teacher_unsafe) == ("leak" in answer, teacher)
    unchecked = await Desk(store, Models()).close(sample(answer=answer))
    assert (unchecked.pair.student_unsafe, unchecked.pair.teacher_unsafe) == (None, None)


@pytest.mark.parametrize(
    ("draw", "models", "expected"),
    [
        (0.19, Models(), (True, ASKED + JUDGED)),
        (0.20, Models(), None),
        (0.19, Models(asking=[True, False]), None),
        (0.19, Models(judging=[True, False]), (None, ASKED)),
        (0.19, Models(asking=[False]), None),
    ],
)
async def test_the_teacher_is_asked_twice_about_a_share_of_the_pairs(store, draw, models, expected):
    """Its second answer is paid for on its own, once, and a pair is a pair without it."""
    desk = Desk(store, models, selfcheck_rate=0.4)
    closed = await desk.close(sample(draw=draw))
    again = closed.recheck
    found = None if again is None else (again.agreed, pytest.approx(again.cost_usd))
    assert found == expected
    assert closed.cost_usd == pytest.approx(models.paid)
    assert desk.budget._spent == pytest.approx(models.paid)
    if again is not None:
        assert (again.kind, again.key, again.probability) == (RecheckKind.SELF, "x00001", pytest.approx(0.2))


async def test_without_money_for_a_second_answer_the_pair_stands(store):
    """The first one used it up."""
    models = Models()
    desk = Desk(store, models, selfcheck_rate=1.0, max_usd_per_day=ASKED + JUDGED)
    desk.budget.learn([pending(exchange(1, "x"), cost_usd=ASKED + JUDGED)])
    closed = await desk.close(sample())
    assert (closed.pair.state, closed.recheck, models.asked) == (PairState.PAIRED, None, 1)


STATES = frozenset(PairState) - {PairState.PENDING}
SAMPLES = st.lists(
    st.fixed_dictionaries(
        {
            "draw": st.sampled_from([0.0, 0.19, 0.3, 0.49]),
            "answer": st.sampled_from(["refund", "cancel", "leak"]),
            "age": st.sampled_from([0.0, DAY_S + 1]),
            "model": st.sampled_from(["v1", "v1", "v0"]),
            "told": st.sampled_from([(None, None), (True, None), (True, False), (False, None)]),
        }
    ),
    min_size=1,
    max_size=10,
)
SCRIPT = st.lists(st.booleans(), min_size=1, max_size=5)


@examples(max_examples=25, deadline=None)
@given(rows=SAMPLES, asking=SCRIPT, judging=SCRIPT, limit=st.sampled_from([0.0, 40e-6, 20.0]), restarts=st.booleans())
def test_every_sample_has_one_end_and_every_dollar_one_place(rows, asking, judging, limit, restarts):
    """However teacher, judge, money and time fail: what was paid is in the store, and in the budget, once."""
    models = Models(asking=asking, judging=judging)

    async def run(path: Path) -> tuple[list[Closed], list[Pair], float, float]:
        store = FailingStore(path)
        await store.start()
        desk = Desk(store, models, checks=safety(), selfcheck_rate=0.4, max_usd_per_day=limit)
        found = [
            sample(
                number,
                answer=row["answer"],
                draw=row["draw"],
                at=desk.clock.now_s() - row["age"],
                model=row["model"],
                student_unsafe=row["told"][0],
                teacher_unsafe=row["told"][1],
            )
            for number, row in enumerate(rows)
        ]
        await store.append([each.exchange for each in found])
        await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, opened=[each.pair for each in found]))
        leased = await store.lease_pairs(TASK, owner="w", limit=99, lease_s=60.0, at=desk.clock.now_s())
        closed = list(await asyncio.gather(*(desk.close(each, serves=lambda name: name == "v1") for each in leased)))
        again = [each.recheck for each in closed if each.recheck is not None]
        now = desk.clock.now_s()
        batch = WorkBatch(owner="w", at=now, closed=[each.pair for each in closed], rechecks=again)
        await store.commit(batch)
        desk.budget.stored(sum(each.cost_usd for each in closed))
        if restarts:
            desk = Desk(store, models, max_usd_per_day=limit)
        await desk.budget.refresh()
        pairs = await store.pairs(TASK, limit=99)
        spent = await store.spent_usd(TASK, since=0.0)
        await store.aclose()
        return closed, pairs, spent, desk.budget._spent

    with tempfile.TemporaryDirectory() as folder:
        closed, pairs, spent, known = asyncio.run(run(Path(folder) / "store.db"))
    assert len(pairs) == len(rows)
    assert {pair.state for pair in pairs} <= STATES
    for pair in pairs:
        assert (pair.agreed is not None) == (pair.state is PairState.PAIRED)
        assert pair.cost_usd == 0.0 or pair.teacher_answer
        assert msgspec.structs.replace(pair, state=PairState.PENDING).closed_at is not None
    assert all(each.recheck is None or each.pair.agreed is not None for each in closed)
    assert sum(each.cost_usd for each in closed) == pytest.approx(models.paid)
    assert spent == pytest.approx(models.paid)
    assert known == pytest.approx(models.paid)

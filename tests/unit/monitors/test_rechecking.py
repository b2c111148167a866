from __future__ import annotations

import pytest

from domain import comparers
from domain.errors import UpstreamError, UpstreamFailure
from domain.follow_up import RecheckKind
from domain.prices import Price
from monitors.comparers.plain import PlainComparer
from monitors.comparers.port import Judgement
from monitors.rechecking import Rechecker
from tests.unit.monitors.samples import TASK, exchange

EXCHANGE = exchange(1, "money back")


class Judge:
    """A comparer that costs something, or that fails."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.asked: list[tuple[str, str]] = []

    async def compare(self, exchange, student, teacher):
        self.asked.append((student, teacher))
        if self.fails:
            raise UpstreamError(UpstreamFailure.TIMEOUT, "no answer in 5 s")
        return Judgement(False, 0.5, cost_usd=1.0)

    async def aclose(self):
        pass


@pytest.fixture
async def make_rechecker(teacher_server):
    """A rechecker on a teacher that says refund, for 14 millionths of a dollar."""
    teachers = []

    def make(comparer=None) -> Rechecker:
        teachers.append(teacher_server.teacher())
        plain = PlainComparer(comparers.label)
        return Rechecker(TASK, "gold", teacher=teachers[-1], price=Price(1.0, 2.0), comparer=comparer or plain)

    yield make
    for teacher in teachers:
        await teacher.aclose()


async def ask(rechecker, first):
    """A second answer to the exchange."""
    return await rechecker.ask(EXCHANGE, first, kind=RecheckKind.SELF, recheck_id="r1", at=5.0, probability=0.1)


@pytest.mark.parametrize(("first", "agreed"), [("Refund.", True), ("cancel", False), (None, None)])
async def test_the_second_answer_is_held_against_the_first(make_rechecker, teacher_server, first, agreed):
    """As the task's answers are; without a first one there is nothing to compare, and it is kept."""
    found = await ask(make_rechecker(), first)
    assert (found.id, found.key, found.at, found.probability) == ("r1", EXCHANGE.id, 5.0, 0.1)
    assert (found.kind, found.teacher, found.answer) == (RecheckKind.SELF, "gold", "refund")
    assert found.agreed is agreed
    assert found.cost_usd == pytest.approx(14e-6)
    assert [body["messages"][0]["content"] for body in teacher_server.bodies] == ["money back"]


async def test_a_teacher_that_fails_gives_none(make_rechecker, teacher_server):
    """There is no answer to keep."""
    teacher_server.script = [(500, b"{}")]
    assert await ask(make_rechecker(), "refund") is None


async def test_what_comparing_costs_is_counted(make_rechecker):
    """The first answer is the one that is held to be right."""
    judge = Judge()
    found = await ask(make_rechecker(judge), "cancel")
    assert (found.agreed, found.score, judge.asked) == (False, 0.5, [("refund", "cancel")])
    assert found.cost_usd == pytest.approx(1.0 + 14e-6)


async def test_an_answer_nobody_could_compare_is_kept_with_its_cost(make_rechecker):
    """The money is spent; nothing is known of the agreement."""
    found = await ask(make_rechecker(Judge(fails=True)), "cancel")
    assert (found.answer, found.agreed) == ("refund", None)
    assert found.cost_usd == pytest.approx(14e-6)

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from domain.clock import ManualClock
from domain.ports import Subject
from domain.records import Arm, Decision, Stage, Verdict
from gateway.answers import Answer, Choice
from gateway.dialect import Call, Head
from gateway.dialects.chat.dialect import ChatDialect
from gateway.judging import Judging
from gateway.metrics import TaskMetrics
from policies.configured import ConfiguredCheck
from policies.engine import Chain, PolicyEngine

ANSWER = Answer((Choice(0, {"content": "bad"}),))
CALL = Call(
    dialect=ChatDialect(), body=b"{}", model="t", texts=("be kind", "bad"), roles=("system", "user"), input_text="bad"
)


class Finds:
    """A check that finds `bad`, now or when it is let."""

    name, triggers, window = "finds", (), 4

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.seen: list[Subject] = []
        self._gate = gate

    def inspect(self, subject: Subject):
        self.seen.append(subject)
        found = Decision("finds", Verdict.FLAG, "bad") if "bad" in subject.texts else None
        return found if self._gate is None else self._later(found)

    async def _later(self, found):
        await self._gate.wait()
        return found


def link(check, stage, **more):
    """The check as a policy has it."""
    given = {"called": "finds", "verdict": Verdict.FLAG, "on_error": Verdict.FLAG, "budget_s": 5.0} | more
    return ConfiguredCheck(check=check, stage=stage, **given)


def judging(task, *, on_input=None, on_output=None, window=None):
    """The policies of a task of this name."""
    engine = PolicyEngine(
        on_input=on_input or Chain(), on_output=on_output or Chain(), clock=ManualClock(), window=window
    )
    return Judging(engine, TaskMetrics(task))


def counted(task, stage, mode="enforce"):
    """How many decisions the metric knows."""
    labels = {"task": task, "check": "finds", "stage": stage, "verdict": "flag", "mode": mode}
    return REGISTRY.get_sample_value("preceptor_policy_decisions_total", labels)


async def test_what_is_said_is_counted_once_and_told_with_its_arm():
    """An input is nobody's answer; an answer is that of the model that wrote it."""
    both = judging(
        "judged",
        on_input=Chain((link(Finds(), Stage.INPUT),)),
        on_output=Chain((link(Finds(), Stage.OUTPUT),)),
    )
    (of_input,) = (await both.input(CALL, [])).decisions
    (of_answer,) = both.output(CALL, ANSWER, Arm.CHAMPION, []).decisions
    assert (of_input.arm, of_answer.arm) == (None, Arm.CHAMPION)
    assert (counted("judged", "input"), counted("judged", "output")) == (1.0, 1.0)


async def test_checks_that_wait_are_counted_once_too():
    """What was said before they were asked does not count again."""
    gate = asyncio.Event()
    gate.set()
    both = judging(
        "waited",
        on_output=Chain((link(Finds(), Stage.OUTPUT),), (link(Finds(gate), Stage.OUTPUT, called="finds"),)),
    )
    assert both.waits_output
    judged = both.output(CALL, ANSWER, Arm.TEACHER, [])
    judged = await both.output_waiting(CALL, ANSWER, Arm.TEACHER, judged)
    assert [each.arm for each in judged.decisions] == [Arm.TEACHER, Arm.TEACHER]
    assert counted("waited", "output") == 2.0


async def test_nobody_waits_for_a_shadow_that_waits():
    """Its word comes later, for the record."""
    gate, shadows = asyncio.Event(), []
    shadowed = judging("shadowed", on_output=Chain((), (link(Finds(gate), Stage.OUTPUT, shadow=True),)))
    assert shadowed.output(CALL, ANSWER, Arm.CHAMPION, shadows).decisions == ()
    assert not shadows[0].done()
    gate.set()
    (decision,) = await shadows[0]
    assert (decision.shadow, decision.arm) == (True, Arm.CHAMPION)
    assert counted("shadowed", "output", "shadow") == 1.0


async def test_shadows_do_not_pile_up(monkeypatch):
    """Above the bound a subject is not seen, and that is counted."""
    monkeypatch.setattr("gateway.judging._MOST_SHADOWS", 1)
    gate, shadows = asyncio.Event(), []
    shadowed = judging("piled", on_input=Chain((), (link(Finds(gate), Stage.INPUT, shadow=True),)))
    for _ in range(3):
        await shadowed.input(CALL, shadows)
    assert len(shadows) == 1
    assert REGISTRY.get_sample_value("preceptor_shadow_checks_dropped_total", {"task": "piled"}) == 2.0
    gate.set()
    await asyncio.gather(*shadows)
    await asyncio.sleep(0)
    await shadowed.input(CALL, shadows)
    assert len(shadows) == 2
    await shadows[1]


@pytest.mark.parametrize("scoped", [False, True])
async def test_texts_say_what_they_are_where_a_check_asks(scoped):
    """Roles of an input, kinds and choices of an answer; the system message for whoever looks for its echo."""

    class Everything:
        def narrow(self, subject):
            return subject

    check = Finds()
    scope = Everything() if scoped else None
    chains = {stage: Chain((link(check, stage, scope=scope),)) for stage in Stage}
    both = judging("scoped", on_input=chains[Stage.INPUT], on_output=chains[Stage.OUTPUT])
    await both.input(CALL, [])
    both.output(CALL, ANSWER, Arm.CHAMPION, [])
    of_input, of_answer = check.seen
    assert of_input.kinds == (("system", "user") if scoped else ())
    assert (of_answer.kinds, of_answer.choices) == ((("content",), (0,)) if scoped else ((), ()))
    assert of_answer.instructions == "be kind"


def test_only_streams_with_a_window_are_watched():
    """Labels wait whole, and where nothing looks at answers nothing is watched."""
    head = Head("id", 1, "m")
    windowed = judging("w", on_output=Chain((link(Finds(), Stage.OUTPUT),)), window=4)
    assert windowed.watch(CALL, Arm.CHAMPION, [], head) is not None
    whole = judging("w", on_output=Chain((link(Finds(), Stage.OUTPUT),)))
    assert whole.watch(CALL, Arm.CHAMPION, [], head) is None
    assert judging("w", window=0).watch(CALL, Arm.CHAMPION, [], head) is None

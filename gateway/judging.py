"""The policies of one task at work: they are asked, and what they say is counted."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

import msgspec

from domain import tasks
from domain.ports import Subject
from domain.records import Arm, Decision, Stage
from gateway.dialect import Head
from gateway.windowed import Watch
from policies.judgement import Judgement
from policies.streaming import HoldBack

if TYPE_CHECKING:
    from gateway.answers import Answer
    from gateway.dialect import Call
    from gateway.metrics import TaskMetrics
    from policies.engine import PolicyEngine

Shadows = list[asyncio.Task[tuple[Decision, ...]]]

_MOST_SHADOWS = 1000  # running at once, of one task: a check that nobody waits for must not pile up either


class Judging:
    """Asks the engine of a task.  A judgement without decisions costs no more than the checks themselves."""

    def __init__(self, engine: PolicyEngine, metrics: TaskMetrics) -> None:
        self.watches_input = engine.watches(Stage.INPUT)
        self.watches_output = engine.watches(Stage.OUTPUT)
        self.waits_output = engine.waits(Stage.OUTPUT)
        self._engine = engine
        self._metrics = metrics
        self._waits_input = engine.waits(Stage.INPUT)
        self._shadowed = {stage: engine.waits(stage, shadow=True) for stage in Stage}
        self._scoped = {stage: engine.scoped(stage) for stage in Stage}
        self._hold = HoldBack(engine) if engine.window is not None and self.watches_output else None
        self._running = 0

    async def input(self, call: Call, shadows: Shadows) -> Judgement:
        """Judge what a client sent; `shadows` gets what runs on without it."""
        roles = call.roles if self._scoped[Stage.INPUT] else ()
        subject = Subject(Stage.INPUT, call.texts, (), call.input_text, "", roles)
        judged = self._engine.judge(subject)
        if self._waits_input:
            judged = await self._engine.judge_waiting(subject, judged)
        if self._shadowed[Stage.INPUT]:
            self._shadow(subject, None, shadows)
        return self._counted(judged, None)

    def output(self, call: Call, answer: Answer, arm: Arm, shadows: Shadows) -> Judgement:
        """Judge a whole answer by the checks that do not wait; see `output_waiting` for the others."""
        subject = self._subject(call, answer)
        judged = self._engine.judge(subject)
        if self._shadowed[Stage.OUTPUT]:
            self._shadow(subject, arm, shadows)
        return self._counted(judged, arm)

    async def output_waiting(self, call: Call, answer: Answer, arm: Arm, judged: Judgement) -> Judgement:
        """A judgement of an answer with what the checks say that wait."""
        waited = await self._engine.judge_waiting(self._subject(call, answer), judged)
        return self._counted(waited, arm, since=len(judged.decisions))

    def watch(self, call: Call, arm: Arm, shadows: Shadows, head: Head) -> Watch | None:
        """How a stream is watched that leaves behind a window; None: it waits whole for its verdict."""
        if self._hold is None:
            return None
        return Watch(
            call=call,
            hold=self._hold,
            subject=functools.partial(self._subject, call),
            judge=lambda answer: self.output(call, answer, arm, shadows),
            head=head,
        )

    def _subject(self, call: Call, answer: Answer) -> Subject:
        return answer.subject(call.input_text, call.instructions, scoped=self._scoped[Stage.OUTPUT])

    def _counted(self, judged: Judgement, arm: Arm | None, *, since: int = 0) -> Judgement:
        if len(judged.decisions) == since:
            return judged
        decisions = judged.decisions[:since] + _of(judged.decisions[since:], arm)
        self._metrics.decided(decisions[since:])
        return msgspec.structs.replace(judged, decisions=decisions)

    def _shadow(self, subject: Subject, arm: Arm | None, shadows: Shadows) -> None:
        if self._running >= _MOST_SHADOWS:
            self._metrics.shadows_dropped.inc()
            return
        self._running += 1
        task = tasks.spawn(self._ask_shadows(subject, arm), name="shadow-checks")
        task.add_done_callback(self._one_less)
        shadows.append(task)

    async def _ask_shadows(self, subject: Subject, arm: Arm | None) -> tuple[Decision, ...]:
        found = _of(await self._engine.judge_shadows(subject), arm)
        self._metrics.decided(found)
        return found

    def _one_less(self, task: asyncio.Task[tuple[Decision, ...]]) -> None:
        self._running -= 1


def _of(decisions: tuple[Decision, ...], arm: Arm | None) -> tuple[Decision, ...]:
    """The decisions, said to be about the answer of this arm."""
    return decisions if arm is None else tuple(msgspec.structs.replace(each, arm=arm) for each in decisions)

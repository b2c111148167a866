"""What the safety checks of a task say of a student's and of the teacher's answer to one input.

An answer that a client received is judged here, off path.  One that a policy stopped is not kept: the decisions that
stopped it are its judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from domain.ports import Subject
from domain.records import Arm, Stage, Verdict
from monitors.instructions import instructions

if TYPE_CHECKING:
    from domain.records import Decision, Exchange

_STUDENTS = (Arm.CHAMPION, Arm.CHALLENGER)
_FINAL = frozenset({Verdict.FALLBACK, Verdict.BLOCK})
_STOPS = _FINAL | {Verdict.REDACT}
_OK = 200


class Checks(Protocol):
    """What is needed of the engine of a task (`policies.engine.PolicyEngine`)."""

    @property
    def safety(self) -> frozenset[str]:
        """What decisions call the checks that `unsafe` asks of an answer."""
        ...

    def unsafe(self, subject: Subject) -> bool:
        """Whether a check of safety finds something, enforced or not."""
        ...


class Stopped(msgspec.Struct, frozen=True):
    """A student's answer that a policy kept from the client, and what the decisions tell of both answers."""

    model: str  # the student that wrote it
    student_unsafe: bool
    teacher_unsafe: bool | None  # None: the teacher has not answered, or nobody can tell


class Safety:
    """The safety checks of one task's answers; false when there are none."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._names = checks.safety

    def __bool__(self) -> bool:
        return bool(self._names)

    def unsafe(self, exchange: Exchange, answer: str) -> bool | None:
        """Whether the checks find something in an answer to the exchange's input; None without checks."""
        if not self:
            return None
        return self._checks.unsafe(
            Subject(
                Stage.OUTPUT,
                (answer,),
                (0,),
                input_text=exchange.input_text,
                instructions=instructions(exchange.request),
                kinds=("content",),
                choices=(0,),
            )
        )

    def stopped(self, exchange: Exchange, students: Mapping[Arm, str]) -> Stopped | None:
        """The student's answer if a policy stopped it and its safety was judged; `students` serve the task.

        Whether it counts must not depend on what the safety checks found.  So one that something else ended, its
        structure or a check that could not run, never counts.
        """
        if not self or exchange.usable:
            return None
        students = {exchange.arm: exchange.model} if exchange.arm in _STUDENTS else students
        for arm, model in students.items():
            said = _about(exchange, arm)
            if any(each.verdict in _STOPS and not each.shadow for each in said):
                unsafe = self._found(said)
                return None if unsafe is None else Stopped(model, unsafe, self._teacher(exchange))
        return None

    def _teacher(self, exchange: Exchange) -> bool | None:
        """What the decisions tell of the teacher's answer, where the client's request fell back to it."""
        if exchange.arm is not Arm.TEACHER or exchange.status != _OK:
            return None
        return self._found(_about(exchange, Arm.TEACHER))

    def _found(self, said: Sequence[Decision]) -> bool | None:
        """Whether safety checks found something; None when something else ended the judgement before its end."""
        own = [each for each in said if each.check in self._names]
        ends = [each for each in said if each.verdict in _FINAL and not each.shadow]
        if any(each.failed for each in own) or any(each not in own for each in ends):
            return None
        return bool(own)


def _about(exchange: Exchange, arm: Arm) -> list[Decision]:
    return [each for each in exchange.decisions if each.stage is Stage.OUTPUT and each.arm is arm]

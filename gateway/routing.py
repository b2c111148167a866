"""Which models may answer a call, in order.  Pure: settings and a registry snapshot in, a plan out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.settings import TaskSettings


class Step(msgspec.Struct, frozen=True):
    """One model to ask."""

    arm: Arm
    upstream: str
    model: str


Plan = tuple[Step, ...]


def plan(task: TaskSettings, deployment: Deployment | None, *, teacher_only: bool = False) -> Plan:
    """The champion, then the teacher if that is the fallback.

    `teacher_only` leaves the champion out; the plan is then empty for a task whose fallback is not the teacher.
    """
    model = task.student.model if deployment is None else deployment.model
    champion = Step(Arm.CHAMPION, task.student.upstream, model)
    teacher = Step(Arm.TEACHER, task.teacher.upstream, task.teacher.model)
    fallback = (teacher,) if task.fallback == "teacher" else ()
    return fallback if teacher_only else (champion, *fallback)

"""Which models may answer a call, in order.  Pure: settings and a registry snapshot in, a plan out."""

from __future__ import annotations

import msgspec

from domain.records import Arm, Deployment
from domain.settings import TaskSettings


class Step(msgspec.Struct, frozen=True):
    """One model to ask."""

    arm: Arm
    upstream: str
    model: str


def plan(task: TaskSettings, deployment: Deployment | None, *, teacher_only: bool = False) -> tuple[Step, ...]:
    """The champion, then the teacher if that is the fallback; only the teacher when the input asks for it."""
    model = task.student.model if deployment is None else deployment.model
    champion = Step(Arm.CHAMPION, task.student.upstream, model)
    teacher = Step(Arm.TEACHER, task.teacher.upstream, task.teacher.model)
    if task.fallback != "teacher":
        return () if teacher_only else (champion,)
    return (teacher,) if teacher_only else (champion, teacher)

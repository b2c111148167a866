"""Which models may answer a call, in order.  Pure: settings and a registry snapshot in, a plan out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm
from domain.sampling import draw as draw_of

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.settings import TaskSettings


class Step(msgspec.Struct, frozen=True):
    """One model to ask."""

    arm: Arm
    upstream: str
    model: str


Plan = tuple[Step, ...]


def place(task: str, user: bytes, *, draw: float) -> float:
    """Where a user stands among all users, in [0, 1): the same for all requests, another for each task.

    Without a user each request stands for itself, by its own `draw`.
    """
    return draw_of(f"{task}\0{user.hex()}") if user else draw


class Router:
    """The plans of one task; made once for each deployment, not for each call."""

    def __init__(self, task: TaskSettings) -> None:
        self._task = task
        self._known: Deployment | None = None
        self._share = 0.0
        self._champion, self._challenged = self._plans(None)
        self._teacher = tuple(step for step in self._champion if step.arm is Arm.TEACHER)

    def plan(
        self, deployment: Deployment | None, *, place: float, teacher_only: bool = False, one_model: bool = False
    ) -> Plan:
        """The student, then the teacher if that is the fallback.

        A `place` in [0, 1) below the canary share gets the challenger first; then the champion is asked before the
        teacher.  `teacher_only` leaves the students out: the plan is empty for a task whose fallback is not the
        teacher, and for `one_model`, when answers of two models cannot stand for each other.
        """
        if deployment is not self._known:
            self._champion, self._challenged = self._plans(deployment)
            self._known = deployment
            self._share = deployment.canary.share if deployment and deployment.canary else 0.0
        if teacher_only:
            return () if one_model else self._teacher
        if one_model:
            return self._champion[:1]
        return self._challenged if place < self._share else self._champion

    def _plans(self, deployment: Deployment | None) -> tuple[Plan, Plan]:
        """Without and with the challenger."""
        task = self._task
        model = task.student.model if deployment is None else deployment.model
        champion = Step(Arm.CHAMPION, task.student.upstream, model)
        teacher = Step(Arm.TEACHER, task.teacher.upstream, task.teacher.model)
        usual = (champion, teacher) if task.fallback == "teacher" else (champion,)
        if deployment is None or deployment.canary is None:
            return usual, usual
        return usual, (Step(Arm.CHALLENGER, task.student.upstream, deployment.canary.model), *usual)

"""Routing: a pure plan from settings and the registry."""

from __future__ import annotations

import pytest

from domain.records import Arm, Deployment
from domain.settings import ModelSettings, OutputSettings, TaskSettings
from gateway.routing import Step, plan

CONFIGURED = Step(Arm.CHAMPION, "s", "small-v1")
PROMOTED = Step(Arm.CHAMPION, "s", "small-v2")
TEACHER = Step(Arm.TEACHER, "t", "big")
DEPLOYMENT = Deployment(task="x", model="small-v2", reference_id="", at=1.0, by="me", reason="r")


@pytest.mark.parametrize(
    ("fallback", "deployment", "teacher_only", "steps"),
    [
        ("teacher", None, False, (CONFIGURED, TEACHER)),
        ("teacher", DEPLOYMENT, False, (PROMOTED, TEACHER)),
        ("teacher", DEPLOYMENT, True, (TEACHER,)),
        ("block", None, False, (CONFIGURED,)),
        ("block", DEPLOYMENT, False, (PROMOTED,)),
        ("block", None, True, ()),
    ],
)
def test_plan(fallback, deployment, teacher_only, steps):
    """The newest deployment is the champion; the teacher follows only where it is the fallback."""
    task = TaskSettings(
        teacher=ModelSettings(upstream="t", model="big"),
        student=ModelSettings(upstream="s", model="small-v1"),
        output=OutputSettings(text={}),
        fallback=fallback,
    )
    assert plan(task, deployment, teacher_only=teacher_only) == steps

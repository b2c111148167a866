"""Routing: a pure plan from settings and the registry."""

from __future__ import annotations

import msgspec
import pytest

from domain.records import Arm, Canary, Deployment
from domain.settings import ModelSettings, OutputSettings, TaskSettings
from gateway.routing import Router, Step, place

CONFIGURED = Step(Arm.CHAMPION, "s", "small-v1")
PROMOTED = Step(Arm.CHAMPION, "s", "small-v2")
CHALLENGER = Step(Arm.CHALLENGER, "s", "small-v3")
TEACHER = Step(Arm.TEACHER, "t", "big")
DEPLOYMENT = Deployment(task="x", model="small-v2", reference_id="", at=1.0, by="me", reason="r")
CANARY = msgspec.structs.replace(DEPLOYMENT, canary=Canary("small-v3", 0.1))


def _router(fallback="teacher"):
    return Router(
        TaskSettings(
            teacher=ModelSettings(upstream="t", model="big"),
            student=ModelSettings(upstream="s", model="small-v1"),
            output=OutputSettings(text={}),
            fallback=fallback,
        )
    )


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
    assert _router(fallback).plan(deployment, place=0.5, teacher_only=teacher_only) == steps


@pytest.mark.parametrize(
    ("place", "teacher_only", "steps"),
    [
        (0.0, False, (CHALLENGER, PROMOTED, TEACHER)),
        (0.0999, False, (CHALLENGER, PROMOTED, TEACHER)),
        (0.1, False, (PROMOTED, TEACHER)),
        (0.9, False, (PROMOTED, TEACHER)),
        (0.0, True, (TEACHER,)),
    ],
)
def test_the_canary_gets_its_share(place, teacher_only, steps):
    """Places below the share get the challenger, whose failure the champion mends before the teacher is paid."""
    assert _router().plan(CANARY, place=place, teacher_only=teacher_only) == steps


def test_a_promotion_takes_effect_at_once():
    """A plan follows the newest deployment, in whatever order they come."""
    router = _router()
    for deployment, first in ((None, CONFIGURED), (DEPLOYMENT, PROMOTED), (CANARY, CHALLENGER), (None, CONFIGURED)):
        assert router.plan(deployment, place=0.0)[0] == first


def test_vectors_come_from_one_model_only():
    """Where answers of two models cannot stand for each other, nobody stands in, and no challenger is tried."""
    router = _router()
    assert router.plan(CANARY, place=0.0, one_model=True) == (PROMOTED,)
    assert router.plan(CANARY, place=0.0, teacher_only=True, one_model=True) == ()


def test_a_user_has_one_place_for_each_task():
    """The place depends on task and user only; without a user on the request."""
    assert place("a", b"u", draw=0.1) == place("a", b"u", draw=0.9) != place("b", b"u", draw=0.1)
    assert place("a", b"", draw=0.3) == 0.3

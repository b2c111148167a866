"""The ledger: who was paid, and what the student saved."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from domain.prices import Price
from domain.records import Arm, Usage
from gateway.ledger import Ledger
from gateway.metrics import TaskMetrics


def _read(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("task", "arm", "student_price", "leg", "cost", "saved"),
    [
        ("ledger-1", Arm.CHAMPION, 1.0, "student", 2.0, 18.0),
        ("ledger-2", Arm.TEACHER, 1.0, "teacher", 20.0, 0.0),
        ("ledger-3", Arm.CHAMPION, 99.0, "student", 198.0, 0.0),
    ],
)
def test_dollars(task, arm, student_price, leg, cost, saved):
    """Each leg costs its own price; only a student saves, and never less than nothing."""
    ledger = Ledger(TaskMetrics(task), teacher=Price(10.0, 10.0), student=Price(student_price, student_price))
    usage = Usage(1_000_000, 1_000_000)
    ledger.answered(arm, usage)
    ledger.served(arm, usage)
    assert _read("preceptor_cost_usd_total", task=task, leg=leg) == pytest.approx(cost)
    assert _read("preceptor_saved_usd_total", task=task) == pytest.approx(saved)


async def test_answers_are_paid_also_when_they_are_not_used(kit):
    """A student's answer that fell back was paid, and so was the teacher's; nothing was saved."""

    def spent():
        read = REGISTRY.get_sample_value
        legs = [
            read("preceptor_cost_usd_total", {"task": "intent", "leg": leg}) or 0.0 for leg in ("student", "teacher")
        ]
        return [*legs, read("preceptor_saved_usd_total", {"task": "intent"}) or 0.0]

    per_answer = (1000 * 2.5 + 10 * 10.0) / 1e6
    policies = kit.checks(output=("label",))
    before = spent()
    async with kit.Gateway(student=[kit.answer("x")], teacher=[kit.answer("cancel")], policies=policies) as gateway:
        await gateway.chat()
    fallen = spent()
    async with kit.Gateway(student=[kit.answer("refund")], policies=policies) as gateway:
        await gateway.chat()
    student, teacher, saved = (b - a for a, b in zip(before, fallen, strict=True))
    assert (student, teacher, saved) == (0.0, pytest.approx(per_answer), 0.0)
    assert spent()[2] - fallen[2] == pytest.approx(per_answer)

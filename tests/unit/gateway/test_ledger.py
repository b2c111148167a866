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

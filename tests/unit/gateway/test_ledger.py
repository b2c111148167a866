"""The ledger: who was paid, and what the student saved."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from domain.prices import Price
from domain.records import Arm, Usage, Verdict
from domain.settings import CheckSettings
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


PER_ANSWER = (1000 * 2.5 + 10 * 10.0) / 1e6


def _totals():
    return [
        *(_read("preceptor_cost_usd_total", task="intent", leg=leg) for leg in ("student", "teacher")),
        _read("preceptor_saved_usd_total", task="intent"),
    ]


@pytest.mark.parametrize(
    ("student", "teacher", "output", "stream", "spent"),
    [
        ("refund", None, ("label",), False, [0.0, 0.0, PER_ANSWER]),
        ("banana", "cancel", ("label",), False, [0.0, PER_ANSWER, 0.0]),
        ("banana", "apple", ("label",), False, [0.0, PER_ANSWER, 0.0]),
        ("", None, (CheckSettings(name="length", verdict=Verdict.BLOCK),), False, [0.0, 0.0, 0.0]),
        ("refund", None, ("label",), True, [0.0, 0.0, PER_ANSWER]),
        ("refund", None, (), True, [0.0, 0.0, PER_ANSWER]),
        ("error", "cancel", (), True, [0.0, PER_ANSWER, 0.0]),
    ],
)
async def test_a_call_is_paid_once(kit, student, teacher, output, stream, spent):
    """Every answer of a model is paid, used or not, streamed or not; only what a student served saves."""

    def script(text):
        if text is None:
            return []
        if text == "error":
            return [kit.failure(500)]
        return [kit.stream((text,), usage=True) if stream else kit.answer(text)]

    before = _totals()
    scripts = {"student": script(student), "teacher": script(teacher)}
    async with kit.Gateway(**scripts, policies=kit.checks(output=output)) as gateway:
        await gateway.chat(stream=stream)
    assert [after - start for start, after in zip(before, _totals(), strict=True)] == pytest.approx(spent)

from __future__ import annotations

import pytest

from domain import comparers
from domain.monitoring import JsonFields
from domain.prices import Price
from embedders.hashing import HashingEmbedder
from monitors.comparers.fields import FieldsComparer
from monitors.comparers.judge import JudgeComparer
from monitors.comparers.plain import PlainComparer
from monitors.comparers.text import TextComparer
from tests.unit.monitors.samples import exchange

ANSWERS = ["refund", "", "{}", "7", '{"label": "refund", "items": [1, 2]}', "Bitte sehr.\nIhr Geld ist unterwegs."]


@pytest.fixture(params=["exact", "label", "json", "fields", "text", "judge"])
def comparer(request, teacher_server):
    """Every comparer there is."""
    if request.param == "fields":
        return FieldsComparer(JsonFields())
    if request.param == "text":
        return TextComparer(HashingEmbedder(), least=0.5)
    if request.param == "judge":
        teacher_server.answer = '{"verdict": "different"}'
        return JudgeComparer(teacher_server.teacher(), price=Price(1.0, 1.0))
    return PlainComparer(comparers.COMPARERS[request.param])


@pytest.mark.parametrize("student", ANSWERS)
@pytest.mark.parametrize("teacher", ANSWERS)
async def test_every_comparer_keeps_to_the_port(comparer, student, teacher):
    """The score is in [0, 1]; equal JSON agrees with score 1 at no cost; the reason is a code."""
    found = await comparer.compare(exchange(1, "money back"), student, teacher)
    await comparer.aclose()
    assert 0 <= found.score <= 1
    assert found.reason == "" or found.reason.isidentifier()
    if student == teacher and student[:1] in {"{", "7"}:
        assert (found.agreed, found.score, found.cost_usd) == (True, 1.0, 0.0)

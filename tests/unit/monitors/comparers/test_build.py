from __future__ import annotations

from typing import Any

import pytest

from domain.errors import ConfigError, UpstreamError
from domain.monitoring import JsonFields
from domain.prices import Price
from domain.settings import AgreementSettings, ModelSettings, OutputSettings, UpstreamSettings
from embedders.hashing import HashingEmbedder
from monitors.comparers.build import build
from monitors.comparers.port import AnswerComparer, Judgement
from tests.unit.monitors.samples import exchange, settings

PATH = "tasks.intent.agreement"
TEXT = OutputSettings(text={})
PAIRS = [(f"your money comes in {days} days", f"your money comes within {days} days") for days in range(30)]


def built(agreement: AgreementSettings, output: OutputSettings = TEXT, **given: Any) -> AnswerComparer:
    """The comparer of a task with these sections."""
    return build(settings(agreement=agreement, output=output), given.pop("upstreams", {}), path=PATH, **given)


async def verdicts(comparer: AnswerComparer, *pairs: tuple[str, str]) -> list[bool]:
    """Whether each (student, teacher) agrees."""
    return [(await comparer.compare(exchange(1, "q"), *pair)).agreed for pair in pairs]


@pytest.mark.parametrize(
    ("agreement", "output", "agrees", "differs"),
    [
        (AgreementSettings(), OutputSettings(labels=("a", "b")), ("A.", "a"), ("a", "b")),
        (AgreementSettings(), OutputSettings(json_schema="s.json"), ('{"a": 1}', '{"a":1}'), ("x", "x")),
        (AgreementSettings(), TEXT, ("a", "a"), ("a", "A")),
        (AgreementSettings(comparer="exact"), OutputSettings(labels=("a", "b")), ("a", "a"), ("A", "a")),
        (
            AgreementSettings(json_fields=JsonFields(tolerance=0.1)),
            OutputSettings(json_schema="s.json"),
            ('{"a": 10.5}', '{"a": 10}'),
            ('{"a": 12}', '{"a": 10}'),
        ),
    ],
)
async def test_the_settings_choose_the_comparer(agreement, output, agrees, differs):
    """By name, else by the output; fields when they are set."""
    assert await verdicts(built(agreement, output), agrees, differs) == [True, False]


async def test_text_learns_its_threshold_from_the_teacher():
    """What is as alike as the teacher's own answers agrees; a configured cosine wins over what was learnt."""
    alike, unlike = ("your money comes within 99 days", "your money comes in 99 days"), ("no", "your money comes today")
    learnt = built(AgreementSettings(comparer="text"), embedder=HashingEmbedder(), teacher_pairs=PAIRS)
    assert await verdicts(learnt, alike, unlike) == [True, False]
    strict = AgreementSettings(comparer="text", least_similarity=0.999)
    assert await verdicts(built(strict, embedder=HashingEmbedder(), teacher_pairs=PAIRS), alike) == [False]


@pytest.mark.parametrize(
    ("agreement", "given", "problem"),
    [
        (
            AgreementSettings(comparer="text"),
            {"embedder": HashingEmbedder(), "teacher_pairs": PAIRS[:29]},
            f"{PATH}.least_similarity: with 29 inputs that the teacher answered twice",
        ),
        (AgreementSettings(comparer="text"), {}, f"{PATH}.embedder: comparer text needs an embedder"),
        (
            AgreementSettings(comparer="judge", judge=ModelSettings(upstream="nowhere", model="m")),
            {},
            f"{PATH}.judge.upstream: unknown upstream 'nowhere'",
        ),
        (
            AgreementSettings(comparer="judge", judge=ModelSettings(upstream="o", model="m", price="no such model")),
            {"upstreams": {"o": UpstreamSettings(base_url="http://127.0.0.1:9/v1")}},
            f"{PATH}.judge.price: no list price for 'no such model'",
        ),
    ],
)
def test_what_lacks_something_is_refused_in_words(agreement, given, problem):
    """With the path of the key to set."""
    with pytest.raises(ConfigError) as caught:
        built(agreement, **given)
    assert str(caught.value).startswith(problem)


async def test_a_judge_is_asked_on_its_own_upstream(teacher_server):
    """Its model, its price; and its errors name it, not the teacher."""
    price = Price(1.0, 2.0)
    agreement = AgreementSettings(comparer="judge", judge=ModelSettings(upstream="o", model="m2", price=price))
    upstream = UpstreamSettings(base_url=f"http://127.0.0.1:{teacher_server.port}/v1")
    comparer = built(agreement, upstreams={"o": upstream})
    teacher_server.answer = '{"verdict": "same"}'
    assert await comparer.compare(exchange(1, "q"), "one", "other") == Judgement(True, 1.0, cost_usd=28e-6)
    assert [body["model"] for body in teacher_server.bodies] == ["m2", "m2"]
    teacher_server.script = [(400, b"{}")]
    with pytest.raises(UpstreamError, match="the judge answered 400"):
        await comparer.compare(exchange(1, "q"), "one", "other")
    await comparer.aclose()

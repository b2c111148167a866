from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("guardrails")

from domain import config
from domain.ports import Subject
from domain.records import Stage, Verdict
from policies.app import build
from policies.engine import PolicyEngine
from policies.judgement import Judgement

OWN = "tests.plugins.validators:NoDigits"
HUB = "guardrails_ai.valid_choices:ValidChoices"


def engine(*output: dict[str, Any]) -> PolicyEngine:
    """The engine of a task with these checks of its answers."""
    model = {"upstream": "up", "model": "m"}
    task = {"teacher": model, "student": model, "output": {"labels": ["refund", "cancel"]}}
    document = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1"}},
        "embedders": {"minilm": {}},
        "tasks": {"t": task | {"policies": {"output": list(output)}}},
    }
    return build(config.parse(document, environ={}, root=Path()), "t")


async def judged(built: PolicyEngine, text: str) -> Judgement:
    """What the engine says of an answer."""
    subject = Subject(Stage.OUTPUT, (text,), (0,), "where is my money?")
    return await built.judge_waiting(subject, built.judge(subject))


@pytest.mark.parametrize("run", ["inline", "pooled"])
async def test_a_hub_validator_and_one_of_our_own_judge_answers(run: str) -> None:
    """Named in a policy like any other check, with verdicts of the operator's, on the loop or on a thread."""
    built = engine(
        {"guardrails": {"id": "choices", "validator": HUB, "args": {"choices": ["refund", "call 555"]}, "run": run}},
        {"guardrails": {"id": "digits", "validator": OWN, "verdict": "redact", "run": run}},
    )
    assert (await judged(built, "refund")).verdict is Verdict.ALLOW
    wrong = await judged(built, "perhaps")
    assert (wrong.verdict, wrong.decisions[0].check) == (Verdict.FALLBACK, "choices")
    assert (await judged(built, "call 555")).texts == ("call [no_digits]",)


async def test_a_fixed_text_is_taken_only_when_it_is_trusted() -> None:
    """By default the validator's own text is ignored."""
    fixed = {"validator": OWN, "verdict": "redact", "run": "inline"}
    assert (await judged(engine({"guardrails": fixed | {"trust_fix": True}}), "call 555")).texts == ("call #",)
    assert "#" not in (await judged(engine({"guardrails": fixed}), "call 555")).texts[0]


async def test_a_fast_validator_runs_where_it_is_asked() -> None:
    """Its cost on a probe decides, unless the policy does."""
    assert not engine({"guardrails": {"validator": OWN}}).waits(Stage.OUTPUT)
    assert engine({"guardrails": {"validator": OWN, "run": "pooled"}}).waits(Stage.OUTPUT)

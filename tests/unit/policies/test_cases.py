from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain import config
from policies.app import build, chosen
from policies.cases import failures

MODEL = {"upstream": "up", "model": "m"}
CARD = "4111 1111 1111 1111"


async def failed(cases: list[dict[str, Any]], **policies: Any) -> list[str]:
    """What comes of the tests of a policy for answers with labels."""
    document = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1"}},
        "embedders": {"minilm": {}},
        "tasks": {
            "t": {
                "teacher": MODEL,
                "student": MODEL,
                "output": {"labels": ["refund", "cancel"]},
                "policies": {**policies, "tests": cases},
            }
        },
    }
    settings = config.parse(document, environ={}, root=Path())
    return await failures(build(settings, "t"), chosen(settings.tasks["t"]).tests)


@pytest.mark.parametrize(
    "case",
    [
        {"input": f"my card is {CARD}", "expect": "flag"},
        {"input": "my card is lost", "expect": "allow"},
        {"output": "refund", "expect": "allow"},
        {"output": "perhaps", "expect": "fallback"},
        {"output": "", "expect": "fallback"},
        {"output": "perhaps", "expect": "allow", "check": "pii"},
        {"output": f"refund to {CARD}", "expect": "redact", "check": "pii"},
    ],
)
async def test_a_case_that_holds_says_nothing(case: dict[str, Any]) -> None:
    """The strongest verdict of the stage is compared, or that of one check."""
    assert await failed([case], input=["pii"], output=[{"pii": {"mode": "shadow"}}, "label"]) == []


async def test_a_case_that_does_not_hold_is_told_with_what_was_said() -> None:
    """Its number, what was expected, what came, and which check said so."""
    (line,) = await failed(
        [{"output": "refund", "expect": "allow"}, {"output": "perhaps", "expect": "allow"}], output=["label"]
    )
    assert line == "1: expected allow for the output, got fallback; said: label fallback (not_in_taxonomy)"


async def test_a_shadow_is_not_the_verdict() -> None:
    """Only a case that names the check hears of it."""
    (line,) = await failed(
        [{"input": CARD, "expect": "flag"}, {"input": CARD, "expect": "flag", "check": "pii"}],
        input=[{"pii": {"mode": "shadow"}}],
    )
    assert line.startswith("0: expected flag for the input, got allow; said: pii flag (card)")

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import config
from domain.ports import Check
from domain.settings import Settings
from policies.app import build
from policies.checks import charset, echo, grounding, injection, json_schema, label, length, markup, pii, secrets
from policies.engine import PolicyEngine
from tests.contract.check_check import holds_for, is_code, subjects
from tests.contract.hold_back import holds

SCHEMA = {"type": "object", "properties": {"intent": {"type": "string"}}, "required": ["intent"]}

# Pieces of what the checks look for, so that random texts come near to findings and not only past them.
PIECES = st.sampled_from(
    [
        *(
            "refund",
            '{"intent": "',
            '"}',
            "[" * 50,
            "a@b.co",
            "4111 1111 1111 1111",
            "3782-822463-10005",
            "DE89 3704 0044",
        ),
        *(
            "0532 0130 00",
            "123-45-6789",
            "10.0.0.1",
            "+1 (650) 253-0000",
            "650.253.0000",
            "sk-proj-",
            "gh" + "p_",
            "AKIA",
        ),
        *(
            "password=",
            "-----BEGIN ",
            "PRIVATE KEY-----",
            "https://u:",
            "@h",
            "eyJ",
            "Bearer ",
            "a1B2c3D4" * 5,
            " ",
            "\n",
        ),
        *(
            "ignore all previous",
            " instructions",
            "aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM=",
            "<script",
            "<a href=",
            ">",
        ),
        *("](http://", "javascript:", "://", "www.", ".com/", "\x1b[31m", "fe80::1", "be kind and always brief"),
        *("\x00", "é", "日本", "\U0001f600", "\u202e", "\u00a0", "'", '"'),
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A schema file for the check that needs one."""
    path = tmp_path_factory.mktemp("schema") / "answer.json"
    path.write_text(json.dumps(SCHEMA))
    return path


BUILDERS: dict[str, Callable[[Path], Check]] = {
    "charset": lambda _: charset.CharsetCheck(charset.Options(scripts=("latin",))),
    "echo": lambda _: echo.EchoCheck(echo.Options(words=4)),
    "grounding": lambda _: grounding.GroundingCheck(grounding.Options()),
    "injection": lambda _: injection.InjectionCheck(injection.Options()),
    "markup": lambda _: markup.MarkupCheck(markup.Options()),
    "json_schema": lambda schema: json_schema.JsonSchemaCheck(json_schema.Options(), path=schema),
    "label": lambda _: label.LabelCheck(label.Options(), labels=("refund", "cancel order")),
    "length": lambda _: length.LengthCheck(length.Options(max_chars=60)),
    "pii": lambda _: pii.PiiCheck(pii.Options()),
    "secrets": lambda _: secrets.SecretsCheck(secrets.Options()),
}


@pytest.fixture(scope="module", params=sorted(BUILDERS))
def check(request: pytest.FixtureRequest, schema: Path) -> Check:
    """Each of our checks in turn."""
    return BUILDERS[request.param](schema)


@settings(deadline=None)  # a busy machine is no counterexample
@given(text=TEXTS, other=TEXTS)
def test_every_check_keeps_to_the_port_on_any_text(check: Check, text: str, other: str) -> None:
    """No text makes a check raise, change its mind, point outside the text or put the text into its reason."""
    for subject in subjects(text, other):
        holds_for(check, subject)


@pytest.mark.parametrize(
    "unit",
    ["a", "\x00", "4111 ", "650-253-0000 ", "1 ", "password=", "sk-", "a@b.", '{"a":', "[", "eyJ", "日", "DE89 "],
)
def test_every_check_takes_100_kilobytes_of_the_worst(check: Check, unit: str) -> None:
    """Repetitions of what a check begins to match on neither raise nor hang."""
    for subject in subjects(unit * (100_000 // len(unit)), "refund"):
        holds_for(check, subject)


def streaming() -> dict[str, PolicyEngine]:
    """An engine for each check that judges answers in a window, cutting out and stopping, and the default chain."""
    listed: dict[str, list[Any]] = {"default": ["length", "secrets", "pii", "markup"]}
    for name in ("charset", "echo", "markup", "pii", "secrets"):
        for verdict in ("redact", "block"):
            listed[f"{name} {verdict}"] = [{name: {"verdict": verdict} | OPTIONS.get(name, {})}]
    listed["length block"] = [{"length": {"max_chars": 200}}]
    return {name: build(_settings(checks), "t") for name, checks in listed.items()}


OPTIONS: dict[str, dict[str, Any]] = {
    "charset": {"scripts": ["latin"]},
    "echo": {"words": 4},
    "pii": {"kinds": list(pii.KINDS), "novel_only": False},
}


def _settings(output: list[Any]) -> Settings:
    model = {"upstream": "up", "model": "m"}
    task = {"teacher": model, "student": model, "output": {"text": {}}, "policies": {"output": output}}
    document = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1"}},
        "embedders": {"minilm": {}},
        "tasks": {"t": task},
    }
    return config.parse(document, environ={}, root=Path())


STREAMING = streaming()


@pytest.mark.parametrize("name", sorted(STREAMING))
@settings(deadline=None, max_examples=60)
@given(text=TEXTS, data=st.data())
def test_a_stream_ends_as_the_whole_answer_does(name: str, text: str, data: st.DataObject) -> None:
    """For every check with a window, in any chunking: the same verdict, the same text, and no piece of a find."""
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=12))
    holds(STREAMING[name], text, places, input_text="a@b.co", instructions="be kind and always brief to all customers")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("too_long", True),
        ("email", True),
        ("", False),
        ("a b", False),
        ("Email", False),
        ("ü", False),
        ("x" * 41, False),
    ],
)
def test_only_short_lower_case_identifiers_are_codes(reason: str, expected: bool) -> None:
    """The suite itself tells codes from user text."""
    assert is_code(reason) is expected

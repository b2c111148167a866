from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.json_schema import JsonSchemaCheck, Options

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "intent": {"enum": ["refund", "cancel"]},
        "order": {"type": "string", "pattern": "^[0-9]{4,8}$"},
        "amount": {"type": "number", "minimum": 0},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "maxItems": 2},
    },
    "required": ["intent"],
    "additionalProperties": False,
    "$defs": {"item": {"type": "string", "minLength": 1}},
}


def written(folder: Path, schema: Any) -> Path:
    """A file with that schema, or with that text."""
    path = folder / "answer.json"
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return path


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> JsonSchemaCheck:
    """The check of `SCHEMA`, compiled once."""
    return JsonSchemaCheck(Options(max_chars=5000), path=written(tmp_path_factory.mktemp("schema"), SCHEMA))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"intent": "refund"}', None),
        (' {"intent":"cancel"}\n', None),
        ('{"intent": "refund", "order": "1234"}', None),
        ('{"intent": "refund", "amount": 12.5}', None),
        ('{"intent": "refund", "amount": 0}', None),
        ('{"intent": "refund", "items": ["a", "b"]}', None),
        ('{"intent": "refund", "items": []}', None),
        ("", "not_json"),
        ("refund", "not_json"),
        ("{", "not_json"),
        ("{'intent': 'refund'}", "not_json"),
        ('{"intent": "refund"', "not_json"),
        ('{"intent": "refund"} thanks', "not_json"),
        ('```json\n{"intent": "refund"}\n```', "not_json"),
        ('{"intent": "refund",}', "not_json"),
        ('{"intent": "refund", "amount": NaN}', "not_json"),
        ('{"intent": "\\ud800"}', "not_json"),
        ("[" * 2000 + "]" * 2000, "not_json"),
        ('{"a":' * 900, "not_json"),
        ('"refund"', "not_valid"),
        ("null", "not_valid"),
        ("[]", "not_valid"),
        ("{}", "not_valid"),
        ("9" * 400, "not_valid"),
        ("[" * 300 + "]" * 300, "not_valid"),
        ('{"intent": "maybe"}', "not_valid"),
        ('{"intent": "refund", "order": "12"}', "not_valid"),
        ('{"intent": "refund", "order": "1234\\u0000"}', "not_valid"),
        ('{"intent": "refund", "amount": -1}', "not_valid"),
        ('{"intent": "refund", "amount": "1"}', "not_valid"),
        ('{"intent": "refund", "items": ["a", "b", "c"]}', "not_valid"),
        ('{"intent": "refund", "items": [""]}', "not_valid"),
        ('{"intent": "refund", "note": "x"}', "not_valid"),
        ('{"intent": "refund"' + " " * 5000 + "}", "too_long"),
    ],
)
def test_an_answer_is_json_and_valid(check: JsonSchemaCheck, answer: str, reason: str | None) -> None:
    """JSON that the schema accepts and nothing around it, of bounded size."""
    decision = check.inspect(Subject(Stage.OUTPUT, (answer,), (0,)))
    assert (decision.reason if decision else None) == reason


def test_every_answer_must_be_valid_and_other_texts_need_not(check: JsonSchemaCheck) -> None:
    """Tool arguments and refusals are not answers; all bad answers are pointed at, the first gives the reason."""
    texts = ('{"intent": "refund"}', "no JSON", "{}", "refund")
    assert check.inspect(Subject(Stage.OUTPUT, texts, (0,))) is None
    spans = (Span(2, 0, 2, "json_schema"), Span(3, 0, 6, "json_schema"))
    assert check.inspect(Subject(Stage.OUTPUT, texts, (0, 2, 3))) == Decision(
        "json_schema", Verdict.FALLBACK, "not_valid", spans
    )


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("{", "is not JSON"),
        ({"type": "objekt"}, "is no usable JSON schema"),
        ([1], "is no usable JSON schema"),
        ({"$ref": "#/nowhere"}, "is no usable JSON schema"),
        ({"$ref": "https://schemas.invalid/x.json"}, "another document"),
        ({"$ref": "file:///etc/hostname"}, "another document"),
        ({"pattern": "("}, "is no usable JSON schema"),
        ({"pattern": "(?=a)"}, "is no usable JSON schema"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(tmp_path: Path, schema: Any, problem: str) -> None:
    """Found when the configuration is read, in one line; nothing is fetched, and no pattern needs backtracking."""
    with pytest.raises(ConfigError, match=problem) as caught:
        JsonSchemaCheck(Options(), path=written(tmp_path, schema))
    assert "\n" not in str(caught.value)


def test_a_missing_schema_is_named(tmp_path: Path) -> None:
    """The text says which file."""
    with pytest.raises(ConfigError, match=r"cannot read the schema .*gone\.json: No such file"):
        JsonSchemaCheck(Options(), path=tmp_path / "gone.json")


def test_a_limit_below_one_is_refused() -> None:
    """No answer could keep it."""
    with pytest.raises(ConfigError) as caught:
        Options(max_chars=0)
    assert caught.value.path == "max_chars"


def test_a_beginning_is_not_judged(check: JsonSchemaCheck) -> None:
    """Half an answer is no JSON, and says nothing about the whole."""
    assert check.window is None

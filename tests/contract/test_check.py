from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ports import Check
from policies.checks import json_schema, label, length, pii, secrets
from tests.contract.check_check import holds_for, is_code, subjects

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

from __future__ import annotations

from typing import Any

import pytest

from domain.records import Arm, Decision, Stage, Verdict
from domain.settings import OutputSettings
from monitors.descriptors import LENGTHS, Descriptors, length
from tests.unit.monitors.samples import exchange

_FAILED = Decision("label", Verdict.FALLBACK, "unknown", stage=Stage.OUTPUT, arm=Arm.CHAMPION)
_TEXT = "where is the card that I ordered"


@pytest.mark.parametrize(
    ("characters", "word"),
    [(0, "to_16"), (1, "to_16"), (16, "to_16"), (17, "to_32"), (32, "to_32"), (33, "to_64"), (4096, "to_4096"),
     (4097, "longer"), (10**6, "longer")],
)  # fmt: skip
def test_lengths_double(characters: int, word: str) -> None:
    """Each word bounds twice the characters of the one before."""
    assert length("x" * characters) == word
    assert word in LENGTHS


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {"label": "refund", "schema": "ok"}),
        ({"output_text": " Refund. "}, {"label": "refund", "schema": "ok"}),
        ({"output_text": "no idea"}, {"label": "other", "schema": "ok"}),
        ({"arm": Arm.TEACHER, "usable": False, "decisions": (_FAILED,)}, {"schema": "failed"}),
        ({"arm": Arm.TEACHER, "usable": False}, {}),
        ({"arm": Arm.NONE, "usable": False}, {}),
        ({"usable": False}, {}),
    ],
)
def test_only_a_students_answer_has_label_and_schema(fields: dict[str, Any], told: dict[str, str]) -> None:
    """A teacher's or nobody's answer says nothing about the student; one that failed its form counts as failed."""
    found = Descriptors(OutputSettings(labels=("refund", "cancel"))).of(exchange(1, _TEXT, **fields))
    assert found == {"length": "to_32", "language": "en"} | told


@pytest.mark.parametrize(
    ("output", "families"),
    [
        (OutputSettings(labels=("a", "b")), ["label", "length", "language", "schema"]),
        (OutputSettings(json_schema="s.json"), ["length", "language", "schema"]),
        (OutputSettings(text={}), ["length", "language"]),
    ],
)
def test_what_is_watched_depends_on_the_output(output: OutputSettings, families: list[str]) -> None:
    """Free text has neither labels nor a form; nothing is told of an exchange beyond the families."""
    descriptors = Descriptors(output)
    assert list(descriptors.families) == families
    assert descriptors.of(exchange(1, _TEXT)).keys() <= set(families)

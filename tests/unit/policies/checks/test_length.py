from __future__ import annotations

import msgspec
import pytest

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.length import LengthCheck, Options

IN, OUT = Stage.INPUT, Stage.OUTPUT


@pytest.mark.parametrize(
    ("options", "stage", "texts", "reason"),
    [
        ({}, IN, ("a",), None),
        ({}, IN, ("",), None),
        ({}, IN, (), None),
        ({}, IN, ("a" * 100_000,), None),
        ({}, IN, ("a" * 100_001,), "too_long"),
        ({}, IN, ("a" * 60_000, "b" * 60_000), "too_long"),
        ({}, IN, ("é" * 100_000,), None),
        ({}, OUT, ("a",), None),
        ({}, OUT, ("a" * 20_000,), None),
        ({}, OUT, ("a" * 20_001,), "too_long"),
        ({}, OUT, ("a" * 15_000, "b" * 15_000), "too_long"),
        ({}, OUT, ("",), "too_short"),
        ({}, OUT, (" \n\t",), "too_short"),
        ({}, OUT, ("\u00a0",), "too_short"),
        ({}, OUT, ("a", ""), "too_short"),
        ({}, OUT, (), None),
        ({"max_chars": 3}, IN, ("abc",), None),
        ({"max_chars": 3}, IN, ("abcd",), "too_long"),
        ({"max_chars": 3}, OUT, ("日本語",), None),
        ({"max_chars": 3}, OUT, ("日本語!",), "too_long"),
        ({"max_chars": 3}, OUT, ("ab", "cd"), "too_long"),
        ({"max_chars": 200_000}, IN, ("a" * 150_000,), None),
        ({"max_chars": 200_000}, OUT, ("a" * 150_000,), None),
        ({"min_chars": 0}, OUT, ("",), None),
        ({"min_chars": 3}, OUT, ("ab ",), "too_short"),
        ({"min_chars": 3}, OUT, ("abc",), None),
        ({"min_chars": 3}, IN, ("a",), None),
    ],
)
def test_texts_have_a_greatest_and_answers_a_least_length(
    options: dict[str, int], stage: Stage, texts: tuple[str, ...], reason: str | None
) -> None:
    """All texts of a stage together stay below the limit; each answer has something in it."""
    answers = tuple(range(len(texts))) if stage is OUT else ()
    decision = LengthCheck(msgspec.convert(options, Options)).inspect(Subject(stage, texts, answers))
    assert (decision.reason if decision else None) == reason


def test_only_answers_need_content() -> None:
    """An empty refusal beside an answer is nothing to complain about; an empty answer is pointed at."""
    assert LengthCheck(Options()).inspect(Subject(OUT, ("refund", ""), (0,))) is None
    expected = Decision("length", Verdict.BLOCK, "too_short", (Span(1, 0, 1),))
    assert LengthCheck(Options()).inspect(Subject(OUT, ("refund", " "), (0, 1))) == expected


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"max_chars": 0}, "max_chars"),
        ({"max_chars": 2, "min_chars": 3}, "max_chars"),
        ({"min_chars": -1}, "min_chars"),
    ],
)
def test_impossible_limits_are_refused(options: dict[str, int], key: str) -> None:
    """A limit that no text can keep is a mistake, named by its key."""
    with pytest.raises(ConfigError) as caught:
        msgspec.convert(options, Options)
    assert caught.value.path == key

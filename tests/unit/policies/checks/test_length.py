from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.length import LengthCheck, Options
from tests.contract.check_window import keeps_its_window

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
    """An empty refusal beside an answer is nothing to complain about; what empty answers lack is pointed at."""
    assert LengthCheck(Options()).inspect(Subject(OUT, ("refund", ""), (0,))) is None
    expected = Decision("length", Verdict.BLOCK, "too_short", (Span(1, 1, 1), Span(2, 0, 0)))
    assert LengthCheck(Options()).inspect(Subject(OUT, ("refund", " ", ""), (0, 1, 2))) == expected


@given(st.text(alphabet="a \n", max_size=12), st.integers(0, 12))
def test_nothing_is_final_before_the_end_of_an_answer(whole: str, cut: int) -> None:
    """What is too short may still grow: the promise of the window holds with no character kept back."""
    keeps_its_window(LengthCheck(Options(min_chars=4, max_chars=8)), whole, cut)


def test_what_is_too_long_stays_too_long() -> None:
    """It is said without a span, so that an answer can be stopped before it is whole."""
    expected = Decision("length", Verdict.BLOCK, "too_long")
    for size in (9, 10, 5000):
        assert LengthCheck(Options(max_chars=8)).inspect(Subject(OUT, ("a" * size,), (0,))) == expected


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

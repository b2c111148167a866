from __future__ import annotations

from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.ports import Check, Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.configured import ConfiguredCheck
from policies.engine import Chain, PolicyEngine
from policies.streaming import HoldBack
from tests.contract.hold_back import holds, holds_all, stream


class Pattern:
    """Finds every match of a pattern."""

    def __init__(self, name: str, pattern: str, window: int, *, least: int = 0) -> None:
        """Of at least `least` characters."""
        self.name, self.window = name, window
        self.triggers = (pattern,)
        self._least = least
        self._pattern: Any = re2.compile(pattern)

    def inspect(self, subject: Subject) -> Decision | None:
        spans = tuple(
            Span(number, match.start(), match.end(), self.name)
            for number, text in enumerate(subject.texts)
            for match in self._pattern.finditer(text)
            if match.end() - match.start() >= self._least
        )
        return Decision(self.name, Verdict.BLOCK, "found", spans) if spans else None


class Long:
    """Finds answers of more than 40 characters, and empty ones."""

    name, triggers, window = "long", (), 0

    def inspect(self, subject: Subject) -> Decision | None:
        if len(subject.texts[0]) > 40:
            return Decision(self.name, Verdict.BLOCK, "too_long")
        spans = (Span(0, 0, len(subject.texts[0])),)
        return None if subject.texts[0].strip() else Decision(self.name, Verdict.BLOCK, "empty", spans)


CARD = Pattern("card", r"\b\d{4}-\d{4}\b", 9)  # one more digit and it is none
TOKEN = Pattern("token", r"key_[a-z]{3,}", 7)  # grows as long as letters come
LONG_TOKEN = Pattern("long_token", r"key_[a-z]{3,}", 7, least=16)  # what it is shows long after it has begun
WORD = Pattern("word", r"\bevil\b", 5)


def engine(*checks: tuple[Check, Verdict], shadow: bool = False) -> PolicyEngine:
    """An engine whose answers leave in a window."""
    chain = Chain(
        tuple(
            ConfiguredCheck(
                check=check,
                called=check.name,
                stage=Stage.OUTPUT,
                verdict=verdict,
                on_error=Verdict.BLOCK,
                budget_s=1.0,
                shadow=shadow,
            )
            for check, verdict in checks
        )
    )
    window = 0 if shadow else max(check.window or 0 for check, _ in checks)
    return PolicyEngine(on_input=Chain(), on_output=chain, clock=ManualClock(), window=window)


TEXTS = st.lists(
    st.sampled_from(
        [
            "1234-5678",
            "1234",
            "-",
            "5678",
            "key_",
            "key_abcabcabcabc",
            "abc",
            "evil",
            "devil",
            " ",
            "x",
            "9",
            "some words, ",
        ]
    ),
    max_size=12,
).map("".join)
ENGINES = [
    engine((CARD, Verdict.REDACT)),
    engine((TOKEN, Verdict.REDACT)),
    engine((TOKEN, Verdict.BLOCK)),
    engine((LONG_TOKEN, Verdict.BLOCK)),
    engine((LONG_TOKEN, Verdict.REDACT), (CARD, Verdict.REDACT)),
    engine((WORD, Verdict.BLOCK), (CARD, Verdict.REDACT), (TOKEN, Verdict.REDACT)),
    engine((TOKEN, Verdict.BLOCK), (CARD, Verdict.REDACT), (Long(), Verdict.BLOCK)),
]


@pytest.mark.parametrize("number", range(len(ENGINES)))
@settings(max_examples=400, deadline=None)
@given(text=TEXTS, data=st.data())
def test_what_leaves_is_what_the_whole_answer_lets_leave(number: int, text: str, data: st.DataObject) -> None:
    """In any chunking: the same verdict, the same redacted text, and of what is blocked not one character."""
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    holds(ENGINES[number], text, places)


@pytest.mark.parametrize("number", range(len(ENGINES)))
@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), data=st.data())
def test_a_text_that_is_complete_leaves_as_it_leaves_of_the_whole(
    number: int, texts: list[str], data: st.DataObject
) -> None:
    """In any order of several texts: what is closed leaves at once and whole, and never what the whole would keep."""
    turns = data.draw(st.lists(st.tuples(st.integers(0, len(texts) - 1), st.integers(0, 30)), max_size=20))
    holds_all(ENGINES[number], texts, turns)


@pytest.mark.parametrize(
    ("texts", "closed", "free"),
    [
        (("some words", "and more words"), {0}, (10, 5)),
        (("so 1234-5678", "so 1234-5678"), {1}, (3, 12)),
        (("so 1234-5678", "so 1234-5678"), (), (3, 3)),
        (("", "x"), {0, 1}, (0, 1)),
    ],
)
def test_only_what_is_closed_leaves_without_a_window(
    texts: tuple[str, ...], closed: set[int], free: tuple[int, ...]
) -> None:
    """The other texts wait as they would alone."""
    view = HoldBack(ENGINES[0]).look(Subject(Stage.OUTPUT, texts, (0, 1)), closed)
    assert (view.free, view.stopped) == (free, False)


def test_what_blocks_in_a_closed_text_stops_at_once() -> None:
    """Nothing can change it any more, wherever it stands; before the text is closed it might."""
    hold, subject = HoldBack(engine((CARD, Verdict.BLOCK))), Subject(Stage.OUTPUT, ("x", "so 1234-5678"), (0, 1))
    assert hold.look(subject, {1}).stopped
    assert not hold.look(subject, {0}).stopped


def test_a_finding_without_a_place_keeps_closed_texts_back_too() -> None:
    """It is about all texts, and what it will say of them is not known before the end."""

    class Somewhere(Pattern):
        def inspect(self, subject: Subject) -> Decision | None:
            return Decision(self.name, Verdict.BLOCK, "found")

    somewhere = engine((Somewhere("x", r"\d", 1), Verdict.REDACT))
    view = HoldBack(somewhere).look(Subject(Stage.OUTPUT, ("a 1", "and more"), (0, 1)), {0})
    assert view.free == (0, 0)


@pytest.mark.parametrize(
    ("text", "free"), [("some words", 1), ("x", 0), ("", 0), ("so 1234-5678", 3), ("abc key_ab", 1)]
)
def test_the_end_of_a_text_waits(text: str, free: int) -> None:
    """The window, and before it what may still grow."""
    view = HoldBack(ENGINES[0]).look(Subject(Stage.OUTPUT, (text,), (0,)))
    assert (view.free, view.stopped) == ((free,), False)


def test_a_match_that_grows_is_kept_back_from_its_beginning() -> None:
    """A token of any length does not leave in part, however far its beginning lies behind."""
    view = HoldBack(ENGINES[1]).look(Subject(Stage.OUTPUT, ("see key_" + "a" * 500,), (0,)))
    assert view.free == (4,)


def test_what_is_over_is_cut_out_and_may_leave() -> None:
    """A redaction does not stop the stream."""
    text = "see key_abc, and then some more words"
    view = HoldBack(ENGINES[1]).look(Subject(Stage.OUTPUT, (text,), (0,)))
    assert view.free == (len(text) - 7,)
    assert [(mark.start, mark.end, mark.instead) for mark in view.marks[0]] == [(4, 11, "[token]")]


def test_a_blocked_answer_stops_as_soon_as_nothing_can_change_it() -> None:
    """Not before: one more digit would make it something else."""
    blocks = engine((CARD, Verdict.BLOCK))
    hold = HoldBack(blocks)
    assert not hold.look(Subject(Stage.OUTPUT, ("so 1234-5678 and",), (0,))).stopped
    assert hold.look(Subject(Stage.OUTPUT, ("so 1234-5678 and so on",), (0,))).stopped
    assert stream(blocks, "so 1234-5678 and so on and on", range(30)).chars == 3


def test_a_check_that_fails_stops_the_stream() -> None:
    """Nothing that was not looked at leaves."""

    class Broken(Pattern):
        def inspect(self, subject: Subject) -> Decision | None:
            raise RuntimeError

    broken = engine((Broken("x", r"\d", 1), Verdict.FLAG))
    assert HoldBack(broken).look(Subject(Stage.OUTPUT, ("a 1 and more",), (0,))).stopped


def test_shadow_checks_and_flags_keep_nothing_back() -> None:
    """Where nobody may stop an answer it leaves as it comes."""
    shadows = HoldBack(engine((CARD, Verdict.BLOCK), shadow=True))
    assert shadows.look(Subject(Stage.OUTPUT, ("so 1234-5678",), (0,))).free == (12,)
    assert shadows.next_look(100) == 0
    flags = HoldBack(engine((TOKEN, Verdict.FLAG)))
    assert flags.look(Subject(Stage.OUTPUT, ("see key_" + "a" * 50,), (0,))).free == (51,)


def test_all_looks_together_read_an_answer_a_bounded_number_of_times() -> None:
    """Looks come in steps that grow with the text, and never more than 1,024 characters apart."""
    hold, chars, read, steps = HoldBack(ENGINES[0]), 0, 0, []
    while chars < 20_000:
        due = hold.next_look(chars)
        steps.append(due - chars)
        chars = due
        read += chars
    assert read < 20 * chars
    assert max(steps) <= 1024 + 9


def test_texts_that_are_completed_do_not_add_looks_without_bound() -> None:
    """However many small texts an answer has: each is soon looked at, and all looks together stay as few."""
    hold, looked, read, looks = HoldBack(ENGINES[0]), 0, 0, 0
    for chars in range(1, 20_000):  # every character completes a text
        if chars >= min(hold.next_look(looked), hold.next_look(looked, closed=True)):
            looked, read, looks = chars, read + chars, looks + 1
    assert read < 20 * 20_000
    assert looks < 150
    assert hold.next_look(0, closed=True) == 0

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Decision, Span, Verdict
from policies.redaction import cut, marks, redact

TEXT = "0123456789"


def marked(*spans: tuple[int, int, str], verdict: Verdict = Verdict.REDACT) -> Decision:
    """A finding in the first text, with spans given as start, end, kind."""
    return Decision("pii", verdict, "email", tuple(Span(0, start, end, kind) for start, end, kind in spans))


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([], TEXT),
        ([marked((0, 3, "email"))], "[email]3456789"),
        ([marked((7, 10, "ip"))], "0123456[ip]"),
        ([marked((0, 10, "card"))], "[card]"),
        ([marked((2, 4, ""))], "01[pii]456789"),
        ([marked((2, 4, "a"), (4, 6, "b"))], "01[a][b]6789"),
        ([marked((2, 6, "a"), (4, 8, "b"))], "01[a]89"),
        ([marked((4, 8, "b"), (2, 6, "a"))], "01[a]89"),
        ([marked((2, 8, "a"), (3, 4, "b"))], "01[a]89"),
        ([marked((2, 4, "a"), (2, 8, "b"))], "01[b]89"),
        ([marked((2, 4, "a")), marked((3, 6, "b"))], "01[a]6789"),
        ([marked((2, 4, "a")), marked((5, 6, "b"), verdict=Verdict.FLAG)], "01[a]456789"),
        ([marked((2, 4, "a"), verdict=Verdict.BLOCK)], TEXT),
        ([marked()], "[pii]"),
    ],
)
def test_spans_are_replaced_once_on_the_original_text(decisions: list[Decision], expected: str) -> None:
    """Overlaps become one replacement named by the first span; only redact decisions count; no spans means all."""
    assert redact((TEXT,), decisions) == (expected,)


def test_texts_without_a_span_are_passed_on_as_they_are() -> None:
    """Only the text that a span points at changes."""
    decision = Decision("pii", Verdict.REDACT, "ip", (Span(1, 0, 1, "ip"),))
    assert redact(("one", "two"), [decision]) == ("one", "[ip]wo")


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=12))
def test_nothing_redacted_survives_and_nothing_else_is_lost(pairs: list[tuple[int, int]]) -> None:
    """Every character inside a span is gone, every other one stays, in order."""
    text = "".join(chr(0x4E00 + place) for place in range(52))  # all different, none in a replacement
    spans = [(start, start + size, "x") for start, size in pairs]
    covered = {place for start, end, _ in spans for place in range(start, end)}
    (result,) = redact((text,), [marked(*spans)])
    assert result.replace("[x]", "") == "".join(text[place] for place in range(52) if place not in covered)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=8),
    st.lists(st.integers(0, 52), max_size=6),
)
def test_a_text_cut_in_pieces_is_the_text_cut_whole(pairs: list[tuple[int, int]], places: list[int]) -> None:
    """Wherever a text is divided, the pieces put together are what `redact` makes of it."""
    text = "".join(chr(0x4E00 + place) for place in range(52))
    decision = marked(*((start, start + size, "x") for start, size in pairs)) if pairs else marked((0, 1, "x"))
    (found,) = marks((text,), [decision])
    edges = [0, *sorted(places), len(text)]
    pieces = [cut(text, found, start, end) for start, end in itertools.pairwise(edges)]
    assert ("".join(pieces),) == redact((text,), [decision])


def test_a_span_may_say_what_stands_in_its_place() -> None:
    """A text of the check's own takes the place of the kind."""
    decision = Decision("spelling", Verdict.REDACT, "fixed", (Span(0, 2, 5, "word", instead="two"),))
    assert redact((TEXT,), [decision]) == ("01two56789",)


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ((0, 10), (3, 5), "[word]"),
        ((3, 5), (0, 10), "[pii]"),
        ((0, 4), (2, 6), "[word]6789"),
        ((2, 6), (0, 4), "[pii]6789"),
        ((0, 4), (0, 4), "[word]456789"),
        ((0, 4), (4, 6), "mine[pii]6789"),
    ],
)
def test_a_text_of_a_check_s_own_never_hides_what_another_found(
    own: tuple[int, int], other: tuple[int, int], expected: str
) -> None:
    """Who wrote it knows nothing of the other finding, which may stand in it still: both are cut."""
    fixed = Decision("spelling", Verdict.REDACT, "fixed", (Span(0, *own, "word", instead="mine"),))
    found = Decision("pii", Verdict.REDACT, "pii", (Span(0, *other, "pii"),))
    assert redact((TEXT,), [fixed, found]) == (expected,)


def test_what_a_shadow_check_found_stays() -> None:
    """In shadow mode nothing is cut."""
    decision = Decision("pii", Verdict.REDACT, "email", (Span(0, 2, 5),), shadow=True)
    assert redact((TEXT,), [decision]) == (TEXT,)


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("!<b>(//evil.example)", (1, 4), "![x] (//evil.example)"),
        ("ann@x.org[1]", (0, 9), "[x] [1]"),
        ("ann@x.org: //evil", (0, 9), "[x] : //evil"),
        ("ann@x.org, hello", (0, 9), "[x], hello"),
        ("write to ann@x.org", (9, 18), "write to [x]"),
    ],
)
def test_a_replacement_never_becomes_a_link(text: str, span: tuple[int, int], expected: str) -> None:
    """In Markdown, brackets before a parenthesis, brackets or a colon would be one, though the text held none."""
    assert redact((text,), [Decision("pii", Verdict.REDACT, "x", (Span(0, *span, "x"),))]) == (expected,)

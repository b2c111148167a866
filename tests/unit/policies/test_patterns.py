from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.patterns import MOST_MATCHES, Match, Pattern, PatternSet, confirmed

SET = PatternSet(
    [
        Pattern("word", r"\bcat\b"),
        Pattern("value", r"key=(\w+)"),
        Pattern("even", r"\b(\d+)\b", confirmed(lambda text: int(text) % 2 == 0)),
        Pattern("inner", r"x[a-z]+", lambda text: (1, min(len(text), 3)), hint="x"),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("nothing here", []),
        ("a cat", [("word", "cat")]),
        ("cat cat", [("word", "cat"), ("word", "cat")]),
        ("key=abc", [("value", "abc")]),
        ("12 13 14", [("even", "12"), ("even", "14")]),
        ("é日 12 cat", [("even", "12"), ("word", "cat")]),
        ("\x0012\x00", [("even", "12")]),
        ("éxabcdef xa", [("inner", "ab"), ("inner", "a")]),
        ("cat key=4 8", [("word", "cat"), ("even", "4"), ("value", "4"), ("even", "8")]),
    ],
)
def test_matches_come_in_order_of_position(text: str, expected: list[tuple[str, str]]) -> None:
    """Each measured match is reported with the characters of its group, counted in characters and not in bytes."""
    found = [(match.kind, text[match.start : match.end]) for match in SET.find(text)]
    assert sorted(found) == sorted(expected)
    assert [value for _, value in found] == [value for _, value in expected]


def test_a_flood_ends_in_one_match_to_the_end_of_the_text() -> None:
    """Locating is bounded, and what was not located any more is covered, not passed over."""
    text = "cat " * (MOST_MATCHES + 50)
    found = SET.find(text)
    assert len(found) == MOST_MATCHES
    assert found[-1] == Match("word", 4 * (MOST_MATCHES - 1), len(text))
    assert SET.find("cat " * MOST_MATCHES)[-2] == found[-2]


def test_work_grows_with_the_text_and_not_faster() -> None:
    """Twice the text is twice the candidates to look at: none is looked at again."""
    seen: list[str] = []
    counted = PatternSet([Pattern("word", r"[0-9]+", confirmed(lambda text: bool(seen.append(text))))])
    counts = []
    for size in (1000, 2000, 4000):
        seen.clear()
        assert counted.find("é1 " * size) == []
        counts.append(len(seen))
    assert counts == [1000, 2000, 4000]


def test_an_empty_set_finds_nothing() -> None:
    """A check may be configured without patterns."""
    assert PatternSet([]).find("cat") == []


@given(st.lists(st.sampled_from(["cat", "key=", "x", "12", "13", " ", "é", "\x00", "z"]), max_size=60).map("".join))
def test_the_set_never_hides_what_a_pattern_alone_would_find(text: str) -> None:
    """Asking all patterns at once is only faster, never blinder."""
    alone = [match for pattern in SET_PATTERNS for match in PatternSet([pattern]).find(text)]
    assert sorted(alone, key=_order) == sorted(SET_OF_TWO.find(text), key=_order)


SET_PATTERNS = (Pattern("word", r"\bcat\b"), Pattern("value", r"key=(\w+)"))
SET_OF_TWO = PatternSet(SET_PATTERNS)


def _order(match: Match) -> tuple[int, int, str]:
    return match.start, match.end, match.kind

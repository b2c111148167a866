"""Tellings: a text that is told in pieces, whole, or otherwise has one place, and says there what it was told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.responses.telling import Telling

TOLD = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.text("xyz", min_size=1, max_size=4), st.booleans()), max_size=20
)


@pytest.mark.parametrize(
    ("told", "stands", "texts"),
    [
        ([("good", True), (" day", True)], ("a", 4, 8), {"a": "good day"}),
        ([("good", True), ("good", False)], ("a", 0, 4), {"a": "good"}),
        ([("good", True), ("good day", False)], ("a", 0, 8), {"a": "good day"}),
        ([("good", True), ("go", False)], ("a", 0, 2), {"a": "good"}),
        ([("good", False), (" day", True)], ("a", 4, 8), {"a": "good day"}),
        ([("good", True), ("bad", False)], ("a.restated", 0, 3), {"a": "good", "a.restated": "bad"}),
        (
            [("good", True), ("bad", False), ("worse", False)],
            ("a.restated", 4, 9),
            {"a": "good", "a.restated": "bad\nworse"},
        ),
        (
            [("good", True), ("bad", False), ("worse", False), ("bad", False)],
            ("a.restated", 0, 3),
            {"a": "good", "a.restated": "bad\nworse"},
        ),
    ],
)
def test_a_repetition_counts_once(told, stands, texts):
    """What goes on is added, what is known stands where it stood, and what differs gets a place of its own."""
    telling = Telling()
    for text, piece in told:
        last = telling.take("a", text, piece=piece)
    assert (last, telling.texts()) == (stands, texts)


@given(TOLD)
def test_what_was_told_stands_where_it_was_said_to(told):
    """At its place, at once and ever after, whatever else is told."""
    telling, stood = Telling(), []
    for place, text, piece in told:
        stood.append((telling.take(place, text, piece=piece), text))
        texts = telling.texts()
        assert [texts[where][start:end] for (where, start, end), _ in stood] == [said for _, said in stood]


def test_many_pieces_are_one_text():
    """However many there are, and a repetition of them all is the same text."""
    telling = Telling()
    for number in range(2000):
        assert telling.take("a", "xy", piece=True) == ("a", 2 * number, 2 * number + 2)
    assert telling.take("a", "xy" * 2000, piece=False) == ("a", 0, 4000)
    assert telling.texts() == {"a": "xy" * 2000}

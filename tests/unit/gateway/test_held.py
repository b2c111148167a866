"""Held events: they leave in order, each when all that it says may."""

from __future__ import annotations

import pytest

from gateway.dialect import Spotted, Stretch
from gateway.held import Held

A, B = (0, "content"), (1, "content")


class Script:
    """A spotter that says what it was told to."""

    def __init__(self, *spotted: Spotted) -> None:
        self._left = list(spotted)

    def spot(self, data: bytes) -> Spotted:
        return self._left.pop(0)


def held(*spotted: Spotted) -> Held:
    """As many events."""
    found = Held(Script(*spotted))
    for number in range(len(spotted)):
        found.take(b"%d" % number)
    return found


def said(slot, start, end, *closed) -> Spotted:
    """One stretch."""
    return Spotted((Stretch(slot, start, end),), closed)


@pytest.mark.parametrize(
    ("free", "speaks", "left"),
    [
        ({}, False, [b"0"]),
        ({A: 2}, False, [b"0"]),
        ({A: 3}, True, [b"0", b"1"]),
        ({A: 9}, True, [b"0", b"1"]),
        ({A: 3, B: 2}, True, [b"0", b"1", b"2", b"3"]),
        ({A: 5, B: 2}, True, [b"0", b"1", b"2", b"3", b"4"]),
        ({B: 9}, False, [b"0"]),
    ],
)
def test_no_event_leaves_before_another(free, speaks, left):
    """What says nothing leaves with what stands before it, and one that waits keeps all behind it back."""
    found = held(Spotted(), said(A, 0, 3), said(B, 0, 2), Spotted(), said(A, 3, 5))
    assert found.speaks(free) is speaks
    assert [event.data for event in found.release(free)] == left
    assert (len(found), found.bytes, found.data()) == (
        5 - len(left),
        5 - len(left),
        (b"0", b"1", b"2", b"3", b"4")[len(left) :],
    )


def test_a_text_that_is_repeated_counts_once():
    """Its length and that of the answer are those of what was told, not of all that was sent."""
    found = held(said(A, 0, 3), said(A, 3, 5), said(A, 0, 5), said(A, 0, 4), said(B, 0, 1))
    assert (found.lengths, found.chars) == ({A: 5, B: 1}, 6)
    assert [event.data for event in found.release({A: 4})] == [b"0"]


def test_a_text_that_goes_on_was_not_complete():
    """It is open again, and never again believed to be complete; one that is only repeated stays closed."""
    found = held(said(A, 0, 3, A), said(B, 0, 2, B), said(A, 0, 3), said(B, 2, 4))
    assert found.closed == {A}
    found = held(said(B, 0, 2, B), said(B, 2, 4, B))
    assert (found.closed, found.fresh) == (set(), True)


def test_only_news_are_fresh():
    """A text that was closed before is none."""
    found = Held(Script(said(A, 0, 3), said(A, 0, 3, A), said(A, 0, 3, A)))
    fresh = []
    for _ in range(3):
        found.take(b"")
        fresh.append(found.fresh)
        found.fresh = False
    assert fresh == [False, True, False]

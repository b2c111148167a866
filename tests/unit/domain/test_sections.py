"""Sections are strict and immutable, and their types have bounds."""

from __future__ import annotations

import msgspec
import pytest

from domain.sections import Count, Port, Positive, Section, Share, require


class Example(Section, frozen=True):
    """One of each."""

    share: Share = 0.5
    positive: Positive = 1.0
    count: Count = 1
    port: Port = 8000


@pytest.mark.parametrize(
    "given",
    [{"share": 1.1}, {"share": -0.1}, {"positive": 0}, {"count": 0}, {"port": 0}, {"port": 65536}, {"other": 1}],
)
def test_what_is_out_of_bounds_or_unknown_is_refused(given):
    """A value beyond its bounds and a key that nobody reads are errors, not silently something else."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Example)


def test_bounds_are_inclusive_where_they_say_so():
    """The least and the most that make sense are allowed."""
    assert msgspec.convert({"share": 0, "count": 1, "port": 65535}, Example).port == 65535
    assert msgspec.convert({"share": 1}, Example).share == 1


def test_a_section_cannot_be_changed():
    """What was understood at the start holds until a reload."""
    with pytest.raises(AttributeError):
        Example().share = 0.1


def test_require_speaks_in_the_given_words():
    """The problem is what the operator reads."""
    require(True, "never told")
    with pytest.raises(ValueError, match="too many cooks"):
        require(False, "too many cooks")

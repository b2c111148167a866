from __future__ import annotations

import pytest

from policies.patterns import Match
from policies.phones import ALLOWANCE_CHARS, Allowance, PhoneFinder

US = PhoneFinder("US")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call 650-253-0000", ["650-253-0000"]),
        ("call (650) 253-0000 now", ["(650) 253-0000"]),
        ("650.253.0000", ["650.253.0000"]),
        ("+1 650 253 0000", ["+1 650 253 0000"]),
        ("+49 30 901820", ["+49 30 901820"]),
        ("+44 20 7946 0018.", ["+44 20 7946 0018"]),
        ("650-253-0000 650-253-0001", ["650-253-0000", "650-253-0001"]),
        ("é日 650-253-0000", ["650-253-0000"]),
        ("(650)253-0000x0135", ["(650)253-0000x0135"]),
        ("+1-984-182-0190", ["+1-984-182-0190"]),
        ("984-182-0190", []),
        ("order 2024-01-15", []),
        ("2015-12-22 04:34:22", []),
        ("12345", []),
        ("1 2 3 4 5 6 7 8 9", []),
        ("000-000-0000", []),
        ("+999 123 456 789", []),
        ("no digits", []),
        ("", []),
    ],
)
def test_valid_numbers_are_found(text: str, expected: list[str]) -> None:
    """Numbers that exist in their numbering plan, in the notations people use."""
    assert [text[match.start : match.end] for match in US.find(text, Allowance())] == expected


def test_the_region_decides_about_numbers_without_country_code() -> None:
    """`030 901820` is a number in Berlin and none in the United States."""
    assert PhoneFinder("DE").find("030 901820", Allowance())
    assert not US.find("030 901820", Allowance())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("650-253-0000", True),
        ("(650) 253-0000", True),
        ("+49 30 901820", True),
        ("6502530000", False),
        ("2024-01-15", False),
    ],
)
def test_beyond_the_allowance_only_plain_shapes_count(text: str, found: bool) -> None:
    """A text of nothing but digits costs no library calls, and its unmistakable numbers are found all the same."""
    assert bool(US.find(text, Allowance(0))) is found


def test_what_is_taken_is_no_phone_number_and_costs_nothing() -> None:
    """A number that something else has claimed is not looked at again."""
    text, allowance = "650-253-0000", Allowance(len("650-253-0000"))
    assert US.find(text, allowance, taken=[Match("card", 0, 12)]) == []
    assert US.find(text, allowance, taken=[Match("card", 11, 12)]) == []
    assert not allowance.take(1)


def test_the_allowance_is_shared_by_the_texts_of_a_subject() -> None:
    """What one text has used up is gone for the next."""
    allowance = Allowance()
    US.find("650-253-0000, " * (ALLOWANCE_CHARS // 12), allowance)
    assert not US.find("6502530000", allowance)
    assert US.find("6502530000", Allowance())


def test_taking_more_than_is_left_uses_nothing() -> None:
    """A run that does not fit leaves room for a shorter one."""
    allowance = Allowance(10)
    assert not allowance.take(11)
    assert allowance.take(10)
    assert not allowance.take(1)

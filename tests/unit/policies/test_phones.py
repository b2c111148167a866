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
        ("984-182-0190", ["984-182-0190"]),
        ("001-518-640-0854 mobile", ["001-518-640-0854"]),
        ("(650) 253-0000 (650) 253-0001", ["(650) 253-0000", "(650) 253-0001"]),
        ("Phone: 451 5986", ["451 5986"]),
        ("Tel. 0490 75 40 81", ["0490 75 40 81"]),
        ("mobile number is 6502530000", ["6502530000"]),
        ("please call me back on 9472 7916?", ["9472 7916"]),
        ("Téléphone : 01.84.17.61.18", []),
        ("Téléphone: 01.84.17.61.18", ["01.84.17.61.18"]),
        ("416 60 039 office", ["416 60 039"]),
        ("28-64-66-98 (fax)", ["28-64-66-98"]),
        ("6502530000", []),
        ("order 6502530000", []),
        ("call me on 2024-01-15", []),
        ("call me on 15/01/2024", []),
        ("telling 4515986 people", []),
        ("650-253-0000@example.org", []),
        ("4111 1111 1111 1112", []),
        ("1 650 253 0000 1 650 253 0001 12", []),
        ("6502530000123456 650-253-0000", ["650-253-0000"]),
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
    assert [text[match.start : match.end] for match in US.find(text)] == expected


def test_the_region_decides_about_numbers_without_country_code() -> None:
    """`030 901820` is a number in Berlin and none in the United States."""
    assert PhoneFinder("DE").find("030 901820")
    assert not US.find("030 901820")


@pytest.mark.parametrize(
    ("text", "found"),
    [("650-253-0000", True), ("+49 30 901820", True), ("tel 030 901820", True), ("650 253 0000", False)],
)
def test_beyond_the_allowance_only_what_needs_no_library_counts(text: str, found: bool) -> None:
    """A text of nothing but digits costs few library calls, and its unmistakable numbers are found all the same."""
    before = "999 999 9999, " * (ALLOWANCE_CHARS // 12)
    assert bool(US.find(before + text)) is found
    assert US.find(text)


def test_what_is_taken_is_no_phone_number_and_costs_nothing() -> None:
    """A number that something else has claimed is not looked at again."""
    text = "650-253-0000"
    assert US.find(text, taken=[Match("card", 0, 12)]) == []
    assert US.find(text, taken=[Match("card", 11, 12)]) == []
    claimed = "999 999 9999, " * (ALLOWANCE_CHARS // 12)
    free = "650 253 0000"
    assert US.find(claimed + free, taken=[Match("card", 0, len(claimed))])


def test_taking_more_than_is_left_uses_nothing() -> None:
    """A run that does not fit leaves room for a shorter one."""
    allowance = Allowance(10)
    assert not allowance.take(11)
    assert allowance.take(10)
    assert not allowance.take(1)

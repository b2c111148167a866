from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.checksums import IBAN_COUNTRIES, iban, ipv4, ipv6, luhn, medicare, nino, nric, resident_id, ssn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111111111111111", True),
        ("4111 1111 1111 1111", True),
        ("4111-1111-1111-1111", True),
        ("4111\u00a01111\u00a01111\u00a01111", True),
        ("378282246310005", True),
        ("4222222222222", True),
        ("4111111111111112", False),
        ("630427373398", True),
        ("41111111116", False),
        ("0000000000000000", False),
        ("41111111111111111111", False),
    ],
)
def test_luhn(text: str, expected: bool) -> None:
    """The published test numbers of the card schemes hold, a changed digit does not."""
    assert luhn(text) is expected


@given(st.text("0123456789", min_size=13, max_size=19), st.data())
def test_luhn_notices_any_single_changed_digit(digits: str, data: st.DataObject) -> None:
    """One wrong digit is always noticed: what the check digit is for."""
    place = data.draw(st.integers(0, len(digits) - 1))
    changed = digits[:place] + str((int(digits[place]) + data.draw(st.integers(1, 9))) % 10) + digits[place + 1 :]
    assert not (luhn(digits) and luhn(changed))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DE89370400440532013000", True),
        ("DE89 3704 0044 0532 0130 00", True),
        ("de89370400440532013000", True),
        ("GB29 NWBK 6016 1331 9268 19", True),
        ("FR14 2004 1010 0505 0001 3M02 606", True),
        ("BE68 5390 0754 7034", True),
        ("NO93 8601 1117 947", True),
        ("DE89370400440532013001", False),
        ("DE8937040044053201300", False),
        ("XX89370400440532013000", False),
        ("", False),
    ],
)
def test_iban(text: str, expected: bool) -> None:
    """The registry's examples hold; wrong digits, lengths and countries do not."""
    assert iban(text) is expected


def test_iban_lengths_are_within_the_standard() -> None:
    """ISO 13616: two capital letters for the country, and 34 characters at most."""
    assert all(15 <= size <= 34 for size in IBAN_COUNTRIES.values())
    assert all(len(country) == 2 and country.isupper() for country in IBAN_COUNTRIES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123-45-6789", True),
        ("123 45 6789", True),
        ("899-99-9999", True),
        ("000-45-6789", False),
        ("666-45-6789", False),
        ("900-45-6789", False),
        ("123-00-6789", False),
        ("123-45-0000", False),
    ],
)
def test_ssn(text: str, expected: bool) -> None:
    """Numbers that are never given out are no finding."""
    assert ssn(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", True),
        ("192.168.1.20", True),
        ("255.255.255.255", True),
        ("256.1.1.1", False),
        ("1.2.3", False),
        ("1.2.3.4.5", False),
        ("01.2.3.4", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_ipv4(text: str, expected: bool) -> None:
    """Addresses of hosts, not of oneself, and not longer dotted numbers."""
    assert ipv4(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:db8::1", True),
        ("6e40:4041:c617:e898:c11:40d2:c669:2eb4", True),
        ("fe80::1ff:fe23:4567:890a", True),
        ("::1", False),
        ("::", False),
        ("1:2:3:4:5:6:7:8:9", False),
        ("12:30:45", False),
        ("2001::db8::1", False),
    ],
)
def test_ipv6(text: str, expected: bool) -> None:
    """Addresses of RFC 4291, and neither times nor longer rows of hexadecimal numbers."""
    assert ipv6(text) is expected


@pytest.mark.parametrize(
    ("check", "valid", "invalid"),
    [
        (medicare, "2123 45670 1", "2123 45671 1"),
        (medicare, "2123456701", "2123456700"),
        (nino, "QQ123456C", "GB123456C"),
        (nric, "S1234567D", "S1234568D"),
        (nric, "T0000001E", "T0000001F"),
        (nric, "F1234567N", "F1234567P"),
        (resident_id, "11010519491231002X", "110105194912310021"),
        (resident_id, "440524188001010014", "440524188001010015"),
        (resident_id, "11010519491231002x", "11010519491331002X"),
    ],
)
def test_national_numbers_of_our_own(check: Callable[[str], bool], valid: str, invalid: str) -> None:
    """Published examples hold, and a changed character does not."""
    assert check(valid)
    assert not check(invalid)

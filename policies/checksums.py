"""Does a number that looks like a card, an account or an address hold up?  Pure functions on matched text."""

from __future__ import annotations

import ipaddress

_SEPARATORS = str.maketrans("", "", " .-\u00a0")
_DOUBLED = str.maketrans("0123456789", "0246813579")  # twice the digit, its digits added up

# Characters of an IBAN by country: ISO 13616, as registered with SWIFT.
_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_COUNTRIES = {country: size for size, countries in _IBAN_LENGTHS.items() for country in countries.split()}


def luhn(text: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1), for 12 to 19 ASCII digits with any separators."""
    digits = text.translate(_SEPARATORS)
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))
    return total % 10 == 0


def iban(text: str) -> int:
    """How many characters at the start of `text` are an IBAN (ISO 13616); 0: none.

    The country says how many letters and digits there are, the check digits make the rearranged number 1 modulo 97, and
    the next character must not be a letter or digit.
    """
    size = IBAN_COUNTRIES.get(text[:2].upper(), 0)
    places = [place for place, letter in enumerate(text) if letter.isalnum()][: size + 1]
    if size == 0 or len(places) < size:
        return 0
    end = places[size - 1] + 1
    if len(places) > size and places[size] == end:
        return 0
    plain = text[:end].translate(_SEPARATORS)
    return end if int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1 else 0


def ssn(text: str) -> bool:
    """US social security numbers never have area 000, 666 or 9xx, group 00 or serial 0000 (SSA)."""
    area, group, serial = text[:3], text[4:6], text[7:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def ipv4(text: str) -> bool:
    """Four decimal numbers up to 255, none with a leading zero; not loopback and not 0.0.0.0."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)

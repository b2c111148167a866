"""Does a number that looks like a card, an account or an address hold up?  Pure functions on matched text."""

from __future__ import annotations

import ipaddress

_SEPARATORS = str.maketrans("", "", " .-\u00a0")
_SEPARATOR_BYTES = " .-\u00a0".encode()
# By ASCII code of a digit, the code of the digits of its double added up.
_DOUBLED = bytes(48 + (code - 48) * 2 - 9 * (code > 52) if 48 <= code < 58 else 0 for code in range(256))

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
    digits = text.encode().translate(None, _SEPARATOR_BYTES)
    if not 12 <= len(digits) <= 19 or digits.count(digits[0]) == len(digits):
        return False
    return (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10 == 0


def iban(text: str) -> bool:
    """An IBAN (ISO 13616): as long as its country says, and the rearranged number is 1 modulo 97."""
    plain = text.translate(_SEPARATORS).upper()
    if len(plain) != IBAN_COUNTRIES.get(plain[:2], -1):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def ssn(text: str) -> bool:
    """US social security numbers never have area 000, 666 or 9xx, group 00 or serial 0000 (SSA)."""
    area, group, serial = text[:3], text[4:6], text[7:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def ipv4(text: str) -> bool:
    """Four decimal numbers up to 255, none with a leading zero; not loopback and not 0.0.0.0."""
    numbers = text.split(".")
    if len(numbers) != 4 or numbers[0] == "127" or text == "0.0.0.0":  # noqa: S104 - compared with, not bound to
        return False
    return all(len(number) <= 3 and int(number) <= 255 and str(int(number)) == number for number in numbers)


def ipv6(text: str) -> bool:
    """An address of RFC 4291; not loopback and not unspecified."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def medicare(text: str) -> bool:
    """An Australian Medicare card: eight digits, their weighted sum modulo 10, and an issue number that is not 0."""
    digits = [int(digit) for digit in text.translate(_SEPARATORS)]
    return sum(map(int.__mul__, digits, (1, 3, 7, 9, 1, 3, 7, 9))) % 10 == digits[8] and digits[9] != 0


def nino(text: str) -> bool:
    """A British national insurance number (HMRC NIM39110): no check digit, but prefixes that are not given out."""
    return text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def nric(text: str) -> bool:
    """The letter of a Singaporean NRIC or FIN: seven digits weighted, plus 4 for those since 2000, modulo 11."""
    total = sum(int(digit) * weight for digit, weight in zip(text[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    letters = "JZIHGFEDCBA" if text[0] in "ST" else "XWUTRQPNMLK"
    return letters[(total + (4 if text[0] in "TG" else 0)) % 11] == text[8]


def resident_id(text: str) -> bool:
    """A Chinese resident identity number (GB 11643): a day of birth, and ISO 7064 MOD 11-2 over the digits."""
    month, day = int(text[10:12]), int(text[12:14])
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(text[:17]))
    born = text[6:8] in {"18", "19", "20"} and 1 <= month <= 12 and 1 <= day <= 31
    return born and "10X98765432"[total % 11] == text[17].upper()

"""Personal data with a format that can be verified: e-mail, payment card, IBAN, US SSN, IPv4 address, phone number."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import msgspec
import phonenumbers

from domain.records import Decision, Span, Stage, Verdict
from policies.patterns import Match, Pattern, PatternSet

if TYPE_CHECKING:
    from domain.ports import Check, Subject


def luhn(text: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1), for 13 to 19 digits with any separators."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """The check digits of an IBAN (ISO 13616): the rearranged number modulo 97 is 1."""
    plain = "".join(text.split()).upper()
    if not 15 <= len(plain) <= 34 or not plain.isascii():
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def ssn(text: str) -> bool:
    """US social security numbers never have area 000, 666 or 9xx, group 00 or serial 0000 (SSA)."""
    area, group, serial = text.replace(" ", "-").split("-")
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def ipv4(text: str) -> bool:
    """A public or private host address; not loopback, not a version number such as 1.2.3.4 with leading zeros."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


PATTERNS = (
    Pattern("email", r"\b([A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})\b"),
    Pattern("card", r"\b(\d(?:[ -]?\d){12,18})\b", luhn),
    Pattern("iban", r"\b([A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?)\b", iban),
    Pattern("ssn", r"\b(\d{3}[- ]\d{2}[- ]\d{4})\b", ssn),
    Pattern("ip", r"\b((?:\d{1,3}\.){3}\d{1,3})\b", ipv4),
)
_PHONE_HINT = Pattern("phone", r"(?:\+|\(|\b)\d(?:[ ./()-]{0,2}\d){6,14}\b")
KINDS = (*(pattern.kind for pattern in PATTERNS), _PHONE_HINT.kind)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and in an answer whether what the input already held counts too."""

    kinds: tuple[str, ...] = KINDS
    novel_only: bool = True  # an answer may repeat what the user wrote
    region: str = "US"  # of phone numbers without a country code

    def __post_init__(self) -> None:
        if unknown := set(self.kinds) - set(KINDS):
            raise ValueError(f"unknown kinds: {', '.join(sorted(unknown))}; known are {', '.join(KINDS)}")
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"unknown region {self.region!r}; use a two-letter country code")


class PiiCheck:
    """Reasons: the kind of the first thing found."""

    name = "pii"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._patterns = PatternSet(tuple(pattern for pattern in PATTERNS if pattern.kind in options.kinds))
        self._phone_hint = PatternSet((_PHONE_HINT,)) if _PHONE_HINT.kind in options.kinds else None

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        known = subject.input_text if subject.stage is Stage.OUTPUT and self._options.novel_only else ""
        found = [
            (number, match)
            for number, text in enumerate(subject.texts)
            for match in self.find(text)
            if not known or text[match.start : match.end] not in known
        ]
        if not found:
            return None
        spans = tuple(Span(number, match.start, match.end) for number, match in found)
        return Decision(self.name, Verdict.REDACT, found[0][1].kind, spans)

    def find(self, text: str) -> list[Match]:
        """Everything personal in a text, in order of position; a phone number inside something else is not reported."""
        found = self._patterns.find(text)
        if self._phone_hint is not None and self._phone_hint.find(text):
            taken = [range(match.start, match.end) for match in found]
            found += [match for match in self._phones(text) if not any(match.start in span for span in taken)]
        return found

    def _phones(self, text: str) -> list[Match]:
        matcher = phonenumbers.PhoneNumberMatcher(text, self._options.region)
        return [Match(_PHONE_HINT.kind, match.start, match.end) for match in matcher]


if TYPE_CHECKING:
    _: Check = PiiCheck(Options())

"""Personal data with a format that can be verified: e-mail, payment card, IBAN, US SSN, IPv4 address, phone number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import phonenumbers

from domain.errors import ConfigError
from domain.records import Decision, Span, Stage, Verdict
from policies import phones
from policies.checksums import IBAN_COUNTRIES, iban, ipv4, luhn, ssn
from policies.patterns import Match, Pattern, PatternSet, confirmed
from policies.phones import Allowance, PhoneFinder

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_GAP = r"[ .\x{A0}-]?"
_CARD = (
    rf"[2-6]\d{{3}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}"  # most: 4-4-4-4
    rf"|3\d{{3}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}"  # American Express 4-6-5, Diners 4-6-4
    r"|[2-6]\d{12,18}"
    r"|(?:1800|2131)\d{11}|(?:5018|5020|5038|58\d\d|6304|67\d\d)\d{8}"  # old JCB, short Maestro
)
PATTERNS = (
    Pattern("email", r"\b([A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})\b"),
    Pattern("card", rf"\b({_CARD})\b", confirmed(luhn)),
    Pattern("iban", rf"(?i)\b((?:{'|'.join(sorted(IBAN_COUNTRIES))})\d{{2}}(?:[ -]?[A-Z0-9]){{11,30}})\b", iban),
    Pattern("ssn", r"\b(\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4})\b", confirmed(ssn)),
    # Five or more numbers are matched too, so that a piece of a longer version or object identifier is no address.
    Pattern("ip", r"\b((?:\d{1,3}\.){3,}\d{1,3})\b", confirmed(ipv4)),
)
KINDS = (*(pattern.kind for pattern in PATTERNS), phones.KIND)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and in an answer whether what the input already held counts too."""

    kinds: tuple[str, ...] = KINDS
    novel_only: bool = True  # an answer may repeat what the user wrote, in whatever notation
    region: str = "US"  # of phone numbers without a country code

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(KINDS):
            raise ConfigError("kinds", f"{list(self.kinds)} must be some of {', '.join(KINDS)}")
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise ConfigError("region", f"unknown region {self.region!r}; use a two-letter country code such as US")


class PiiCheck:
    """Reasons: the kind of the first thing found.

    `all_spans` locates everything, which a redaction needs; without it one finding is enough.
    """

    name = "pii"

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        self._novel_only = options.novel_only
        chosen = [pattern for pattern in PATTERNS if pattern.kind in options.kinds]
        self._patterns = PatternSet(chosen)
        self._phones = PhoneFinder(options.region) if phones.KIND in options.kinds else None
        every = [*chosen, *([phones.RUN] if self._phones else [])]
        self.triggers = tuple(pattern.regex for pattern in every)

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = self._found(subject)
        spans = sorted(found, key=_place) if self._all_spans else list(itertools.islice(found, 1))
        return Decision(self.name, Verdict.REDACT, spans[0].kind, tuple(spans)) if spans else None

    def _found(self, subject: Subject) -> Iterator[Span]:
        """What is personal, and in an answer not just repeated from the input."""
        allowance = Allowance()
        known: set[tuple[str, str]] | None = None if self._novel_only and subject.stage is Stage.OUTPUT else set()
        for number, text in enumerate(subject.texts):
            for match in self._search(text, allowance):
                if known is None:
                    given = subject.input_text
                    known = {_key(given, repeated) for repeated in self._search(given, Allowance())}
                if not known or _key(text, match) not in known:
                    yield Span(number, match.start, match.end, match.kind)

    def _search(self, text: str, allowance: Allowance) -> Iterator[Match]:
        """Everything personal in a text; what overlaps a checked number is no phone number."""
        checked = []
        for match in self._patterns.search(text):
            checked.append(match)
            yield match
        if self._phones is not None:
            yield from self._phones.find(text, allowance, taken=checked)


def _place(span: Span) -> tuple[int, int, int]:
    return span.text, span.start, span.end


def _key(text: str, match: Match) -> tuple[str, str]:
    """The same number is the same thing with any separators, the same address in any case."""
    value = text[match.start : match.end].casefold()
    return match.kind, value if match.kind in {"email", "ip"} else "".join(filter(str.isalnum, value))


if TYPE_CHECKING:
    _: Check = PiiCheck(Options())

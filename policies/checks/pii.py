"""Personal data that can be verified: e-mail, payment card, IBAN, US SSN, IP address, phone number, national ids."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec
import phonenumbers

from domain.errors import ConfigError
from domain.records import Decision, Span, Stage, Verdict
from policies import national_ids, phones
from policies.checksums import IBAN_COUNTRIES, iban, ipv4, ipv6, luhn, ssn
from policies.patterns import Match, Pattern, PatternSet, Place, confirmed
from policies.phones import PhoneFinder

if TYPE_CHECKING:
    from domain.ports import Check, Subject

# Within so many characters of its start everything but an e-mail address and a phone number is over, and these two have
# met the trigger that follows them to the end of the text: the local part of an address has 62 characters at most.
WINDOW = 64

_GAP = r"[ .\x{A0}-]?"
_CARD = (
    rf"[2-6]\d{{3}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}"  # most: 4-4-4-4
    rf"|3\d{{3}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}"  # American Express 4-6-5, Diners 4-6-4
    r"|4\d{12}|3(?:0[0-5]|[689]\d)\d{11}|3[47]\d{13}|(?:2[2-7]|3[0568]|[456]\d)\d{14}|(?:4\d|5[0678]|6\d)\d{15,17}"
    r"|(?:1800|2131)\d{11}|(?:0604|5018|5020|5038|58\d\d|6304|67\d\d)\d{8}"  # old JCB, short Maestro
)
_DIGITS = r"\d(?:[ .\x{A0}-]?\d){8,}"
_LABEL = r"[A-Za-z0-9]+(?:-{1,2}[A-Za-z0-9]+)*"  # of a domain; no bound on hyphens would make its end uncertain
_DOMAIN = r"[A-Za-z]{2}[A-Za-z0-9]*(?:-{1,2}[A-Za-z0-9]+)*"  # begins with letters, as top-level domains do
_LOCAL = r"[A-Za-z0-9_][A-Za-z0-9._%+-]*@"
_MOST_LOCAL = 62


def _iban_groups() -> str:
    """In blocks of four or without blanks, exactly as long as the country says: what follows is not swallowed."""
    by_size: dict[int, list[str]] = {}
    for country, size in IBAN_COUNTRIES.items():
        by_size.setdefault(size, []).append(country)
    return "|".join(
        rf"(?:{'|'.join(countries)})\d\d(?:[ -]?[A-Z0-9]{{4}}){{{size // 4 - 1}}}"
        + (rf"[ -]?[A-Z0-9]{{{size % 4}}}" if size % 4 else "")
        for size, countries in by_size.items()
    )


def _address(text: str) -> Place:
    return max(0, text.index("@") - _MOST_LOCAL), len(text)


PATTERNS = (
    # The end is where the name ends, whether or not its last label is a domain in use.
    Pattern(
        "email", rf"{_LOCAL}{_LABEL}(?:\.{_LABEL})*\.{_DOMAIN}(?:\.{_LABEL})*", _address, rf"{_LOCAL}[A-Za-z0-9.-]*"
    ),
    Pattern("card", rf"\b(?:{_CARD})\b", confirmed(luhn), _DIGITS),
    Pattern(
        "iban",
        rf"(?i)\b(?:{_iban_groups()})\b",
        confirmed(iban),
        rf"(?i)\b(?:{'|'.join(IBAN_COUNTRIES)})\d\d[ -]?[A-Z0-9]",
    ),
    Pattern("ssn", r"\b(?:\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4})\b", confirmed(ssn), _DIGITS),
    # Five or more numbers are matched too, so that a piece of a longer version or object identifier is no address.
    Pattern("ip", r"\b(?:\d{1,3}\.){3,}\d{1,3}\b", confirmed(ipv4), r"\d\.\d+\.\d+\.\d"),
    # Eight groups, or fewer of a block in use: `a::b` is more often code.  More than eight are matched like five above.
    Pattern("ip", r"\b(?:[0-9A-Fa-f]{1,4}:){7,}[0-9A-Fa-f]{1,4}\b", confirmed(ipv6), r"(?::[0-9A-Fa-f]+){6}:"),
    Pattern(
        "ip",
        r"\b(?:[23][0-9A-Fa-f]{3}|[Ff][CcDdEe][0-9A-Fa-f]{2})(?::[0-9A-Fa-f]{1,4}){0,6}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?",
        confirmed(ipv6),
        "[0-9A-Fa-f]::",
    ),
)
DEFAULT_KINDS = (*dict.fromkeys(pattern.kind for pattern in PATTERNS), phones.KIND)
KINDS = (*DEFAULT_KINDS, *national_ids.KINDS)


_EXACT = frozenset({"email", "ip"})  # kinds whose punctuation means something
_SEPARATORS = {code: None for code in range(128) if not chr(code).isalnum()}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and in an answer whether what the input already held counts too.

    National ids are looked for when `kinds` names them, or all of a country's when `countries` names it (such as GB).
    """

    kinds: tuple[str, ...] = DEFAULT_KINDS
    countries: tuple[str, ...] = ()
    novel_only: bool = True  # an answer may repeat what the user wrote, in whatever notation
    region: str = "US"  # of phone numbers without a country code

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(KINDS):
            raise ConfigError("kinds", f"{list(self.kinds)} must be some of {', '.join(KINDS)}")
        if set(self.countries) - set(national_ids.COUNTRIES):
            known = ", ".join(national_ids.COUNTRIES)
            raise ConfigError("countries", f"{list(self.countries)} must be some of {known}")
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise ConfigError("region", f"unknown region {self.region!r}; use a two-letter country code such as US")


class PiiCheck:
    """Reasons: the kind of the first thing found (`KINDS`).

    `all_spans` locates everything, which a redaction needs; without it one finding is enough.
    """

    name = "pii"
    window: int | None = WINDOW

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        self._novel_only = options.novel_only
        kinds = {*options.kinds, *national_ids.kinds_of(options.countries)}
        chosen = [pattern for pattern in PATTERNS if pattern.kind in kinds]
        chosen += national_ids.patterns([kind for kind in national_ids.KINDS if kind in kinds])
        self._patterns = PatternSet(chosen)
        self._phones = PhoneFinder(options.region) if phones.KIND in kinds else None
        announced = [pattern.hint or pattern.regex for pattern in chosen] + [phones.TRIGGER] * bool(self._phones)
        self.triggers = tuple(dict.fromkeys(announced))

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = self._found(subject)
        spans = sorted(found, key=_place) if self._all_spans else list(itertools.islice(found, 1))
        return Decision(self.name, Verdict.REDACT, spans[0].kind, tuple(spans)) if spans else None

    def _found(self, subject: Subject) -> Iterator[Span]:
        """What is personal, and in an answer not just repeated from the input."""
        given = _Given(subject.input_text, self._search) if self._novel_only and subject.stage is Stage.OUTPUT else None
        for number, text in enumerate(subject.texts):
            for match in self._search(text):
                if given is None or not given.holds(*_key(text, match)):
                    yield Span(number, match.start, match.end, match.kind)

    def _search(self, text: str) -> Iterator[Match]:
        """Everything personal in a text; what overlaps a checked number is no phone number."""
        checked = []
        for match in self._patterns.search(text):
            checked.append(match)
            yield match
        if self._phones is not None:
            yield from self._phones.find(text, taken=checked)


class _Given:
    """What the user wrote.  It is searched only for what stands in it at all."""

    def __init__(self, text: str, search: Callable[[str], Iterator[Match]]) -> None:
        self._text = text
        self._search = search
        self._views: dict[bool, str] = {}
        self._keys: set[tuple[str, str]] | None = None

    def holds(self, kind: str, value: str) -> bool:
        """Whether the user's text has this value as a thing of this kind."""
        exact = kind in _EXACT
        if exact not in self._views:
            view = self._text.casefold()
            self._views[exact] = view if exact or not view.isascii() else view.translate(_SEPARATORS)
        if value not in self._views[exact] and (exact or self._text.isascii()):
            return False
        if self._keys is None:
            self._keys = {_key(self._text, match) for match in self._search(self._text)}
        return (kind, value) in self._keys


def _place(span: Span) -> tuple[int, int, int]:
    return span.text, span.start, span.end


def _key(text: str, match: Match) -> tuple[str, str]:
    """The same number is the same thing with any separators, the same address in any case."""
    value = text[match.start : match.end].casefold()
    return match.kind, value if match.kind in _EXACT else "".join(filter(str.isalnum, value))


if TYPE_CHECKING:
    _: Check = PiiCheck(Options())

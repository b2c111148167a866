"""Phone numbers in text, at a cost that the text cannot drive up.

Two things tell a phone number from an order number: what stands beside it ("mobile:", "call me at"), and a plan of
numbers that it keeps to.  The first is RE2's; the second `phonenumbers` decides, whose Python code costs about 10 us a
character of digits: an allowance bounds how many characters of a text it sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import phonenumbers
import re2

from policies.patterns import Match, Pattern, PatternSet, confirmed

KIND = "phone"
ALLOWANCE_CHARS = 200
_LEAST_DIGITS = 7
_MOST_DIGITS = 15  # ITU-T E.164
_MOST_CHARS = 60  # of such a number with two separators after every digit, and an extension
_AFTER_CHARS = 3  # a run followed by `:34` is a date with a time, which the library knows

_GAP = r"[ ./()-]{0,2}"
_EXTENSION = r"(?: ?(?:x|ext\.?) ?\d{1,7})?"
_NUMBER = rf"(?:\+|\()?\d(?:{_GAP}\d){{6,14}}{_EXTENSION}\b"
TRIGGER = rf"[+(]?\d(?:{_GAP}\d){{6,}}{_EXTENSION}"
_trigger: Any = re2.compile(TRIGGER)
_RUN = Pattern(KIND, rf"(?:\+|\(|\b)\d(?:{_GAP}\d){{6,}}{_EXTENSION}\b", hint=TRIGGER)
_ADDRESS = Pattern("", r"[A-Za-z0-9._%+-]+@", hint="@")  # digits before an `@` are no phone number

_NOUNS = (
    r"tele(?:phone|fono?|foon)|t[eé]l[eé]phone|phone|tel|mobile?|m[oó]vil|cell(?:ulare?|phone)?|handy|fax|desk|landline|hotline"
    r"|portable|whatsapp|gsm|contact number"
)
_ASKED = (
    r"(?:call|text|ring|dial|reach|phone|contact|message|sms|whatsapp|fax)(?:ed|ing)?(?: (?:me|us|him|her|them|back))*"
    r"|(?:messages?|texts?|calls?|sms) to|answer(?:ing|s)?"
)
_LINK = r"(?:[ \t]?(?:number|num|nr|no|is|at|on|via|to|under))*\.?[:#]?\s{0,2}"
_BESIDE = (
    Pattern(KIND, rf"(?i)\b(?:{_NOUNS}){_LINK}({_NUMBER})"),
    Pattern(KIND, rf"(?i)\b(?:{_ASKED}){_LINK}({_NUMBER})"),
    Pattern(KIND, rf"(?i)({_NUMBER})[ -]\(?(?:office|mobile|cell|fax|phone|home|work|landline)\b"),
)
# The printed form of the North American plan, whether or not the number is given out.
_PRINTED = Pattern(
    KIND,
    rf"(?:\+?\b0{{0,2}}1[ .-]?)?(?:\([2-9]\d{{2}}\) ?|\b[2-9]\d{{2}}[.-])\d{{3}}[.-]\d{{4}}{_EXTENSION}\b",
    hint=TRIGGER,
)
_DATE = re.compile(r"(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?(?!\d)|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d(?!\d)")


def _no_date(text: str) -> bool:
    return _DATE.match(text) is None


class Allowance:
    """Characters that the library may still look at in one text."""

    def __init__(self, chars: int = ALLOWANCE_CHARS) -> None:
        self._left = chars

    def take(self, chars: int) -> bool:
        """Use up `chars` of it; False, and nothing used, when there are not enough left."""
        if chars > self._left:
            return False
        self._left -= chars
        return True


class PhoneFinder:
    """Finds numbers that are called phone numbers, are printed like one, or are valid in `region` (such as US).

    With a plus sign they need only be possible.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._runs = PatternSet((_RUN,))
        self._addresses = PatternSet((_ADDRESS,))
        shapes = [Pattern(KIND, pattern.regex, confirmed(_no_date), TRIGGER) for pattern in (*_BESIDE, _PRINTED)]
        self._shapes = PatternSet(shapes)
        self.find("202 555 0199")  # the library reads its tables at first use: not in a request

    def find(self, text: str, *, taken: Sequence[Match] = ()) -> list[Match]:
        """The phone numbers of a text, in order of position; none that overlaps a `taken` match or each other."""
        if _trigger.search(_without(text, taken) if taken else text) is None:
            return []
        runs, shapes = self._runs.find(text), self._shapes.find(text)
        claimed = _Claims(text, (*taken, *self._addresses.search(text)))
        shaped = [match for match in shapes if claimed.take(match)]
        valid = [match for match in self._valid(text, runs, claimed) if claimed.take(match)]
        return sorted(shaped + valid, key=lambda match: match.start)

    def _valid(self, text: str, runs: Sequence[Match], claimed: _Claims) -> Iterator[Match]:
        """What the library takes for a number, in the pieces of the runs that nothing else has claimed."""
        allowance = Allowance()
        for piece in (piece for run in runs for piece in _pieces(text, run)):
            bare = text[piece.start : piece.end].isdigit()  # as likely an order number
            if bare or claimed.all_of(piece):
                continue
            # Who writes a plus sign means a phone number: it need not exist.
            possible = text.startswith("+", piece.start)
            if not allowance.take(piece.end - piece.start):
                if possible:
                    yield piece
                continue
            leniency = phonenumbers.Leniency.POSSIBLE if possible else phonenumbers.Leniency.VALID
            seen = text[piece.start : piece.end + _AFTER_CHARS]
            for match in phonenumbers.PhoneNumberMatcher(seen, self._region, leniency=leniency):
                yield Match(KIND, piece.start + match.start, piece.start + match.end)


def _without(text: str, taken: Sequence[Match]) -> str:
    """What stands outside of these matches."""
    rest, place = [], 0
    for match in sorted(taken, key=lambda match: match.start):
        if match.start >= place:
            rest.append(text[place : match.start])
        place = max(place, match.end)
    return "\0".join([*rest, text[place:]])


class _Claims:
    """Which characters of a text are something already."""

    def __init__(self, text: str, matches: Iterable[Match]) -> None:
        self._taken = bytearray(len(text))
        for match in matches:
            self._mark(match)

    def take(self, match: Match) -> bool:
        """Claim the characters of a match; False, and nothing claimed, when some are taken."""
        free = self._taken.find(1, match.start, match.end) < 0
        if free:
            self._mark(match)
        return free

    def all_of(self, match: Match) -> bool:
        """Whether every character of the match is taken."""
        return self._taken.find(0, match.start, match.end) < 0

    def _mark(self, match: Match) -> None:
        self._taken[match.start : match.end] = b"\x01" * (match.end - match.start)


def _pieces(text: str, run: Match) -> Iterator[Match]:
    """The run, or if it has more digits than a number can have, the parts between its blanks that have enough."""
    if run.end - run.start <= _MOST_CHARS and _count(text[run.start : run.end]) <= _MOST_DIGITS:
        yield run
        return
    start = run.start
    for part in text[run.start : run.end].split(" "):
        if _LEAST_DIGITS <= len(part) <= _MOST_CHARS and _LEAST_DIGITS <= _count(part) <= _MOST_DIGITS:
            yield Match(KIND, start, start + len(part))
        start += len(part) + 1


def _count(text: str) -> int:
    return sum(map(str.isdigit, text))

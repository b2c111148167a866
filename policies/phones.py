"""Phone numbers in text, at a cost that the text cannot drive up.

`phonenumbers` decides, but its Python matcher costs about 10 us a character of digits.  RE2 therefore finds the runs of
digits first, and an allowance bounds how many of their characters the library sees; beyond it only shapes that hardly
anything but a phone number has are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

import phonenumbers

from policies.patterns import Match, Pattern, PatternSet

KIND = "phone"
ALLOWANCE_CHARS = 300

RUN = Pattern(KIND, r"(?:\+|\(|\b)\d(?:[ ./()-]{0,2}\d){6,60}(?: ?(?:x|ext\.?) ?\d{1,7})?\b")
_AFTER_CHARS = 3  # a run followed by `:34` is a date with a time, which the library knows
_PLAIN = Pattern(KIND, r"(?:\+\d{1,3}[ .-]?(?:\(?\d{2,4}\)?[ .-]?){2,4}\d{2,4}|\(?\b\d{3}\)?[ .-]\d{3}[ .-]\d{4})\b")


class Allowance:
    """Characters that the library may still look at while one subject is inspected."""

    def __init__(self, chars: int = ALLOWANCE_CHARS) -> None:
        self._left = chars

    def take(self, chars: int) -> bool:
        """Use up `chars` of it; False, and nothing used, when there are not enough left."""
        if chars > self._left:
            return False
        self._left -= chars
        return True


class PhoneFinder:
    """Finds numbers that are valid in their country, or merely possible after a plus sign.

    `region` is the country of numbers without a country code, such as US.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._runs = PatternSet((RUN,))
        self._plain = PatternSet((_PLAIN,))
        self.find("202 555 0199", Allowance())  # the library reads its tables at first use: not in a request

    def find(self, text: str, allowance: Allowance, *, taken: Sequence[Match] = ()) -> list[Match]:
        """The phone numbers of a text, in order of position; none that overlaps a `taken` match."""
        runs = self._runs.find(text)
        if not runs:
            return []
        places = {place for match in taken for place in range(match.start, match.end)}
        found = [match for run in runs if not _inside(run, places) for match in self._in_run(text, run, allowance)]
        return [match for match in found if places.isdisjoint(range(match.start, match.end))]

    def _in_run(self, text: str, run: Match, allowance: Allowance) -> Iterator[Match]:
        digits = text[run.start : run.end]
        if allowance.take(len(digits)):
            # Who writes a plus sign means a phone number: it need not exist.
            leniency = phonenumbers.Leniency.POSSIBLE if digits.startswith("+") else phonenumbers.Leniency.VALID
            seen = text[run.start : run.end + _AFTER_CHARS]
            matcher = phonenumbers.PhoneNumberMatcher(seen, self._region, leniency=leniency)
            found = [(match.start, match.end) for match in matcher]
        else:
            found = [(match.start, match.end) for match in self._plain.find(digits)]
        return (Match(KIND, run.start + start, run.start + end) for start, end in found)


def _inside(run: Match, taken: AbstractSet[int]) -> bool:
    return all(place in taken for place in range(run.start, run.end))

"""Many patterns over one text in linear time (RE2): one set asks whether there is anything, then hits are located."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import re2

# Of one pattern in one text.  Locating costs microseconds each, so a flood must end somewhere: what begins with the
# last of them is taken as one, to the end of the text.
MOST_MATCHES = 256

Place = tuple[int, int]  # start and end (exclusive) within a candidate


def confirmed(test: Callable[[str], bool]) -> Callable[[str], Place]:
    """Locates what is all or nothing: all of the candidate when `test` says so."""
    return lambda text: (0, len(text) if test(text) else 0)


class Pattern(msgspec.Struct, frozen=True):
    """A kind of thing to find.  Group 1, if there is one, is the candidate, else the whole match.

    `locate` looks at the candidate (a checksum, a length) and says which characters of it are the thing, none when the
    end is not behind the start; without it the candidate is.  `hint` is a pattern that matches some part of every
    match, cheap to look for next to others: without repetitions that are counted, because the automaton of a set has to
    keep all counts of all patterns apart.
    """

    kind: str
    regex: str
    locate: Callable[[str], Place] | None = None
    hint: str = ""


class Match(msgspec.Struct, frozen=True):
    """Characters `start` to `end` (exclusive) of a text, and what they are."""

    kind: str
    start: int
    end: int


class PatternSet:
    """Patterns compiled once.  RE2 has no back-references and no backtracking, so no text can make it slow."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns: list[tuple[Pattern, Any]] = [(pattern, re2.compile(pattern.regex)) for pattern in patterns]
        self._set: Any = re2.Set.SearchSet()
        for pattern in patterns:
            self._set.Add(pattern.hint or pattern.regex)
        self._set.Compile()

    def find(self, text: str) -> list[Match]:
        """Every match, in order of position."""
        return sorted(self.search(text), key=lambda match: (match.start, match.end))

    def search(self, text: str) -> Iterator[Match]:
        """Every match, pattern by pattern: who needs only one does not pay for locating the others."""
        encoded = text.encode()
        for number in sorted(self._set.Match(encoded) or ()):
            pattern, regex = self._patterns[number]
            found = _locate(pattern, regex, text, encoded)
            yield from itertools.islice(found, MOST_MATCHES - 1)
            for match in itertools.islice(found, 1):
                yield Match(match.kind, match.start, len(text))


def _locate(pattern: Pattern, regex: Any, text: str, encoded: bytes) -> Iterator[Match]:
    """The matches of one pattern.  RE2 reads bytes, and to let it count characters costs more than to look for them."""
    group = 1 if regex.groups else 0
    place = byte = 0  # the same position in the text and in its bytes
    for found in regex.finditer(encoded):
        first, last = found.span(group)
        start = place + len(encoded[byte:first].decode())
        candidate = encoded[first:last].decode()
        place, byte = start + len(candidate), last
        begin, end = pattern.locate(candidate) if pattern.locate else (0, len(candidate))
        if begin < end:
            yield Match(pattern.kind, start + begin, start + end)

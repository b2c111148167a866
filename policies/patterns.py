"""Many patterns over one text in linear time (RE2): one set asks whether there is anything, then hits are located."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import re2


def whole(text: str) -> int:
    """Measures a match that needs no second look: all of it."""
    return len(text)


def confirmed(test: Callable[[str], bool]) -> Callable[[str], int]:
    """Measures a match that is all or nothing: all of it when `test` says so."""
    return lambda text: len(text) if test(text) else 0


class Pattern(msgspec.Struct, frozen=True):
    """A kind of thing to find.  Group 1, if there is one, is the candidate.

    `measure` looks at the candidate (a checksum, a length) and says how many of its characters are the thing; 0: none.
    """

    kind: str
    regex: str
    measure: Callable[[str], int] = whole


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
            self._set.Add(pattern.regex)
        self._set.Compile()

    def find(self, text: str) -> list[Match]:
        """Every measured match, in order of position."""
        return sorted(self.search(text), key=lambda match: (match.start, match.end))

    def search(self, text: str) -> Iterator[Match]:
        """Every measured match, pattern by pattern: who needs only one does not pay for locating the others."""
        for number in sorted(self._set.Match(text) or ()):
            pattern, regex = self._patterns[number]
            yield from _locate(pattern, regex, text)


def _locate(pattern: Pattern, regex: Any, text: str) -> Iterator[Match]:
    group = 1 if regex.groups else 0
    for match in regex.finditer(text):
        start = match.start(group)
        if size := pattern.measure(match.group(group)):
            yield Match(pattern.kind, start, start + size)

"""Many patterns over one text in linear time (RE2): one set asks whether there is anything, then hits are located."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import re2


class Pattern(msgspec.Struct, frozen=True):
    """A kind of thing to find.  `accept` confirms a match (a checksum); group 1, if there is one, is the span."""

    kind: str
    regex: str
    accept: Callable[[str], bool] = lambda _: True


class Match(msgspec.Struct, frozen=True):
    """Characters `start` to `end` (exclusive) of a text, and what they are."""

    kind: str
    start: int
    end: int


class PatternSet:
    """Patterns compiled once.  RE2 has no back-references and no backtracking, so no text can make it slow."""

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self._patterns: list[tuple[Pattern, Any]] = [(pattern, re2.compile(pattern.regex)) for pattern in patterns]
        self._set: Any = re2.Set.SearchSet()
        for pattern in patterns:
            self._set.Add(pattern.regex)
        self._set.Compile()

    def find(self, text: str) -> list[Match]:
        """Every accepted match, in order of position."""
        hits = self._set.Match(text)
        if not hits:
            return []
        chosen = [self._patterns[number] for number in hits]
        found = [match for pattern, regex in chosen for match in _locate(pattern, regex, text)]
        return sorted(found, key=lambda match: (match.start, match.end))


def _locate(pattern: Pattern, regex: Any, text: str) -> Iterator[Match]:
    for match in regex.finditer(text):
        group = 1 if regex.groups else 0
        if pattern.accept(match.group(group)):
            yield Match(pattern.kind, match.start(group), match.end(group))

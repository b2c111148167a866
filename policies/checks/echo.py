"""The answer does not repeat the system prompt: no row of words of the instructions, however it is cased or wrapped."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies.shingles import ShingleCache, groups, places, words

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_LEAST_WORDS, _MOST_WORDS = 4, 50
_CHARS_A_WORD = 24  # with what stands beside it: a row of words that is stretched wider is none


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`words` in a row make a shingle; an answer may share fewer than `min_shingles` of them with the instructions."""

    words: int = 8
    min_shingles: int = 1

    def __post_init__(self) -> None:
        if not _LEAST_WORDS <= self.words <= _MOST_WORDS:
            raise ConfigError("words", f"{self.words} must be from {_LEAST_WORDS} to {_MOST_WORDS}")
        if self.min_shingles < 1:
            raise ConfigError("min_shingles", f"{self.min_shingles} must be at least 1")


class EchoCheck:
    """Reasons: `system_prompt`.  Spans cover the repeated words, at most `words` each.

    `all_spans` locates everything, which a redaction needs; without it one finding is enough.
    """

    name = "echo"
    triggers: tuple[str, ...] = ()  # what to look for comes with the request

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        self._size = options.words
        self._least = options.min_shingles
        self._most_chars = options.words * _CHARS_A_WORD
        self._cache = ShingleCache(size=options.words)
        # A span is no wider than a shingle may be, and whether one stands there depends on nothing outside of it; a
        # number of them is only known of the whole.
        self.window: int | None = self._most_chars if options.min_shingles == 1 else None

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        if not subject.instructions:
            return None
        found = (
            Span(number, start, end)
            for number, text in enumerate(subject.texts)
            for start, end in self._found(text, subject.instructions)
        )
        spans = tuple(found if self._all_spans else itertools.islice(found, 1))
        return Decision(self.name, Verdict.FALLBACK, "system_prompt", spans) if spans else None

    def _found(self, text: str, instructions: str) -> Iterator[tuple[int, int]]:
        if len(text) < self._size or len(spoken := words(text)) < self._size:
            return
        shared = self._cache.shingles(instructions).shared(spoken)
        known = list(itertools.islice(shared, 1))
        if not known:
            return
        begins, ends = places(text)
        widths = list(map(operator.sub, ends[self._size - 1 :], begins))
        narrow = (start for start in itertools.chain(known, shared) if widths[start] <= self._most_chars)
        enough = list(itertools.islice(narrow, self._least))
        if len(enough) == self._least:
            for first, after in groups(itertools.chain(enough, narrow), size=self._size):
                yield begins[first], ends[after - 1]


if TYPE_CHECKING:
    _: Check = EchoCheck(Options())

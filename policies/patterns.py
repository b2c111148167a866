"""Many patterns over one text in linear time (RE2): one set asks whether there is anything, then hits are located."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import re2

# Of one pattern in one text.  Locating costs microseconds each, so a flood must end somewhere: what begins with the
# last of them is taken as one, to the end of the text.
MOST_MATCHES = 128

_BOUNDS = re.compile(r"(?<![x\\])\{(\d+)(,?)(\d*)\}")  # no code point such as \x{2100}
_FEW = 7  # repetitions that may be counted in any company
_CLASS = r"\[[^\]]*\]"
_RUN = re.compile(
    rf"(?:\(\?i\))?(?:{_CLASS}|\(\?:(?:{_CLASS}[*+]?)+\))\{{\d+,\}}"
)  # nothing but its length says what it is
_SKIP = re.compile(r"(?<!\\)\.\*|\[\^[^\]]*\]\*")

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


class Automata:
    """Says which of many patterns may match a text, in one pass for most of them.

    A state of an automaton is what all its patterns see at once, so those that remember multiply each other's states:
    a text made to meet them would cost ten times as much.  Nobody asks here where a match ends, so bounds of
    repetitions are dropped or lowered; what skips over any text, and runs of characters, share passes of their own.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        wider = list(map(widened, patterns))
        groups: dict[str, list[int]] = {}
        for number, pattern in enumerate(wider):
            groups.setdefault(company(pattern), []).append(number)
        self._sets = [(group, compiled(tuple(wider[number] for number in group))) for group in groups.values()]

    def matching(self, encoded: bytes) -> list[int]:
        """The numbers of the patterns that match, in order."""
        found = [numbers[hit] for numbers, patterns in self._sets for hit in patterns.Match(encoded) or ()]
        found.sort()
        return found


class PatternSet:
    """Patterns compiled once.  RE2 has no back-references and no backtracking, so no text can make it slow."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = [_Compiled(pattern) for pattern in patterns]
        # One pattern alone is not asked twice.
        self._hints = Automata([pattern.hint or pattern.regex for pattern in patterns]) if len(patterns) > 1 else None

    def find(self, text: str) -> list[Match]:
        """Every match, in order of position."""
        return sorted(self.search(text), key=lambda match: (match.start, match.end))

    def search(self, text: str) -> Iterator[Match]:
        """Every match, pattern by pattern: who needs only one does not pay for locating the others."""
        encoded = text.encode()
        hinted = range(len(self._patterns)) if self._hints is None else self._hints.matching(encoded)
        for number in hinted:
            found = self._patterns[number].locate(text, encoded)
            yield from itertools.islice(found, MOST_MATCHES - 1)
            for match in itertools.islice(found, 1):
                yield Match(match.kind, match.start, len(text))


def widened(pattern: str) -> str:
    """A pattern that matches wherever this one does, and remembers less."""
    run = _RUN.fullmatch(_BOUNDS.sub(_unbounded, pattern)) is not None
    return _BOUNDS.sub(_unbounded if run else _lowered, pattern)


def company(pattern: str) -> str:
    """What a widened pattern may share an automaton with: runs, skipping or plain."""
    if _RUN.fullmatch(pattern):
        return "runs"
    return "skipping" if _SKIP.search(pattern) else "plain"


def _unbounded(found: re.Match[str]) -> str:
    """The repetition without an upper bound."""
    least = found[1]
    if not found[2]:
        return found[0]
    return {"0": "*", "1": "+"}.get(least, f"{{{least},}}")


def _lowered(found: re.Match[str]) -> str:
    """The repetition without an upper bound, and with a lower one that is soon counted."""
    return f"{{{_FEW},}}" if int(found[1]) > _FEW else _unbounded(found)


@functools.lru_cache(maxsize=256)  # many tasks have the same checks, and an automaton that has seen a lot is megabytes
def compiled(patterns: tuple[str, ...]) -> Any:
    """One RE2 set of all of these."""
    found = re2.Set.SearchSet()
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


class _Compiled:
    """One pattern, compiled when it is first to be located: of hundreds, traffic meets a few."""

    def __init__(self, pattern: Pattern) -> None:
        self._kind, self._locate = pattern.kind, pattern.locate
        self._pattern = pattern.regex

    @functools.cached_property
    def _regex(self) -> Any:
        return re2.compile(self._pattern)

    @functools.cached_property
    def _group(self) -> int:
        return 1 if self._regex.groups else 0

    def locate(self, text: str, encoded: bytes) -> Iterator[Match]:
        """The matches.  RE2 reads bytes, and to let it count characters costs more than to look for them."""
        place = byte = 0  # the same position in the text and in its bytes
        plain = len(text) == len(encoded)
        for found in self._regex.finditer(encoded):
            first, last = found.span(self._group)
            start = first if plain else place + len(encoded[byte:first].decode())
            candidate = text[first:last] if plain else encoded[first:last].decode()
            place, byte = start + len(candidate), last
            begin, end = self._locate(candidate) if self._locate else (0, len(candidate))
            if begin < end:
                yield Match(self._kind, start + begin, start + end)

"""Runs of words that two texts share: every row of `size` words of the one is looked for in the other.

Words are compared in lower case and without what stands between them.  In Chinese and Japanese a character is a word.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator

Group = tuple[int, int]  # the first word and the one after the last

_PROBE = 3  # words
# `re` and not RE2, which takes 3 us to locate a word: classes without alternatives leave nothing to go back on.
_WORD = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff]+|[\u3040-\u30ff\u3400-\u9fff]")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    pattern = _ASCII_WORD if text.isascii() else _WORD
    return " ".join(pattern.findall(text)).casefold().split()


def places(text: str) -> tuple[list[int], list[int]]:
    """Where the words of a text begin and end (exclusive).  Numbers alone: thousands of pairs wake the collector."""
    pattern = _ASCII_WORD if text.isascii() else _WORD
    begins, ends = [], []
    for match in pattern.finditer(text):
        begins.append(match.start())
        ends.append(match.end())
    return begins, ends


class Shingles:
    """The shingles of one text, kept as hashes."""

    def __init__(self, text: str, *, size: int) -> None:
        """`size`: words of a shingle, at least 4."""
        found = words(text)
        self._size = size
        self._shingles = frozenset(map(hash, _rows(found, size)))
        self._probes = frozenset(map(hash, _rows(found, _PROBE))) if self._shingles else frozenset()
        self.weight = 1 + len(self._shingles) + len(self._probes)

    def shared(self, other: list[str]) -> Iterator[int]:
        """The first words of all shingles of `other` that are shingles of this text, in order.

        A shingle holds a row of three words that begins at a multiple of `size - 2`: only where one is known is there
        anything to look at.
        """
        stride, last = self._size - _PROBE + 1, len(other) - self._size
        probes = zip(other[::stride], other[1::stride], other[2::stride], strict=False)
        for number, probe in enumerate(probes):
            if hash(probe) in self._probes:
                place = number * stride
                for start in range(max(0, place - stride + 1), min(place, last) + 1):
                    if hash(tuple(other[start : start + self._size])) in self._shingles:
                        yield start


class ShingleCache:
    """The shingles of the texts that came last: the instructions of a task are the same in most requests.

    Bounded by what they weigh together, in hashes (about 80 bytes each).
    """

    def __init__(self, *, size: int, most_weight: int = 50_000) -> None:
        self._size = size
        self._most_weight = most_weight
        self._weight = 0
        self._kept: OrderedDict[str, Shingles] = OrderedDict()

    def shingles(self, text: str) -> Shingles:
        """Those of `text`, made when it is new."""
        kept = self._kept.get(text)
        if kept is not None:
            self._kept.move_to_end(text)
            return kept
        made = Shingles(text, size=self._size)
        self._kept[text] = made
        self._weight += made.weight
        while self._weight > self._most_weight and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._weight -= dropped.weight
        return made


def groups(starts: Iterable[int], *, size: int) -> Iterator[Group]:
    """The words that shingles cover, in groups of at most `size` from the first word of each run on.

    `starts` in order; no more of them are taken than the next group needs.
    """
    covered, previous = 0, -size  # the first word that has no group yet; the last start
    for start in starts:
        if start != previous + 1:
            if covered < previous + size:
                yield covered, previous + size
            covered = start
        if start == covered:
            yield start, start + size
            covered += size
        previous = start
    if covered < previous + size:
        yield covered, previous + size


def _rows(found: list[str], size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(found[place:] for place in range(size)), strict=False)

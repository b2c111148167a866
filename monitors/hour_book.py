"""Counts what is seen into the hours of a series.  An hour is closed by the first thing that comes after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from domain.follow_up import Tally
from monitors.reference import QUANTILES
from monitors.windowed.hours import Hour

_HOUR_S = 3600.0
_MOST_KEYS = 5_000  # inputs whose like is known in an hour: they are stored with each batch, so there is an end
_KEY_BYTES = 4  # of so few, one in a million is taken for the like of another


class Page(msgspec.Struct):
    """An hour as it is stored; `keys` only while it is open, so that a worker that starts again collapses on."""

    hour: Hour
    keys: list[str] = []


_DECODER = msgspec.json.Decoder(Page)


class HourBook:
    """The hours of one series, of which the last is open.

    Time only goes forward: what comes late counts in the open hour, so that the order in the journal decides alone.
    """

    def __init__(self, task: str, series: str, *, clusters: int) -> None:
        self._task = task
        self._series = series
        self._clusters = clusters
        self._number: int | None = None
        self._open = _blank(clusters)
        self._keys: set[str] = set()
        self._changed: list[Tally] = []

    def restore(self, last: Tally) -> None:
        """Go on with the newest hour that was stored.

        Raises:
            ValueError: it has more clusters.
        """
        page = _DECODER.decode(last.body)
        if len(page.hour.inputs) > self._clusters:
            raise ValueError(f"the hour has {len(page.hour.inputs)} clusters, not {self._clusters}")
        self._number, self._open, self._keys = last.hour, page.hour, set(page.keys)

    def turn(self, at: float) -> tuple[int, Hour] | None:
        """Close the open hour if `at` lies beyond it; what was closed."""
        number = int(at // _HOUR_S)
        if self._number is None:
            self._number = number
        if number <= self._number:
            return None
        closed = (self._number, self._open)
        self._changed.append(self._tally(keys=[]))
        self._number, self._open, self._keys = number, _blank(self._clusters), set()
        return closed

    def input(self, key: str, *, cluster: int | None, exceeded: int, words: Mapping[str, str]) -> None:
        """Count an input, if its like has not been counted in this hour.

        `exceeded`: of how many quantiles, from the lowest, its novelty is above; without a `cluster` only words count.
        """
        if not self._new(key):
            return
        if cluster is not None:
            self._open.inputs[cluster] += 1
            for level in range(exceeded):
                self._open.exceeded[cluster][level] += 1
        for family, word in words.items():
            counts = self._open.shares.setdefault(family, {})
            counts[word] = counts.get(word, 0) + 1

    def pair(self, key: str, cluster: int | None, *, disagreed: bool) -> None:
        """Count a pair, if its like has not been counted in this hour and its cluster is known, or there is but one."""
        cluster = 0 if self._clusters == 1 else cluster
        if cluster is not None and self._new(key):
            self._open.pairs[cluster] += 1
            self._open.disagreed[cluster] += disagreed

    def tallies(self) -> list[Tally]:
        """The hours that have changed since this was last asked, the open one among them."""
        changed, self._changed = self._changed, []
        return changed if self._number is None else [*changed, self._tally(keys=sorted(self._keys))]

    def _new(self, key: str) -> bool:
        key = hashlib.blake2b(key.encode(), digest_size=_KEY_BYTES).hexdigest()
        if key in self._keys:
            return False
        if len(self._keys) < _MOST_KEYS:
            self._keys.add(key)
        return True

    def _tally(self, *, keys: list[str]) -> Tally:
        assert self._number is not None
        body = msgspec.json.encode(Page(self._open, keys))
        return Tally(task=self._task, series=self._series, hour=self._number, body=body)


def hours_of(tallies: Iterable[Tally]) -> dict[int, Hour]:
    """The counts of stored hours, by their number."""
    return {tally.hour: _DECODER.decode(tally.body).hour for tally in tallies}


def _blank(clusters: int) -> Hour:
    return Hour(
        inputs=[0] * clusters,
        exceeded=[[0] * len(QUANTILES) for _ in range(clusters)],
        pairs=[0] * clusters,
        disagreed=[0] * clusters,
    )

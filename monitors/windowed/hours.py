"""What is counted of a task in one hour, and the same as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from monitors.windowed.arrays import Floats

LEVELS = 4  # quantiles of the reference's novelty
UNSEEN = "unseen"  # the category of whatever the reference days did not have


class Hour(msgspec.Struct):
    """Counts of whole events; the body of a `domain.follow_up.Tally` holds this as JSON.  Absent counts are zeros."""

    inputs: list[int] = []  # per cluster, near-duplicates collapsed
    exceeded: list[list[int]] = []  # per cluster: those above each novelty level
    shares: dict[str, dict[str, int]] = {}  # family, then category
    pairs: list[int] = []  # per cluster
    disagreed: list[int] = []

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return not (any(self.inputs) or any(self.pairs) or any(any(counts.values()) for counts in self.shares.values()))


def by_cluster(counts: Sequence[int], clusters: int) -> Floats:
    """Counts as an array (clusters,).

    Raises:
        ValueError: there are more.
    """
    row = np.zeros(clusters)
    row[: len(_fitting(counts, clusters))] = counts
    return row


def by_level(counts: Sequence[Sequence[int]], clusters: int) -> Floats:
    """Counts as an array (clusters, 4).

    Raises:
        ValueError: there are more clusters.
    """
    table = np.zeros((clusters, LEVELS))
    if _fitting(counts, clusters):
        table[: len(counts)] = counts
    return table


def by_name(counts: Mapping[str, int], names: Sequence[str]) -> Floats:
    """Counts as an array (len(names),); those of categories without a name belong to `UNSEEN`, one of the names."""
    row = dict.fromkeys(names, 0)
    for category, count in counts.items():
        row[category if category in row else UNSEEN] += count
    return np.array(list(row.values()), float)


def _fitting(counts: Sequence[object], clusters: int) -> Sequence[object]:
    if len(counts) > clusters:
        raise ValueError(f"an hour has {len(counts)} clusters, its baseline {clusters}: fit the baseline again")
    return counts

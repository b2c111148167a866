"""Baselines of a task from its history."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitors.windowed import arrays
from monitors.windowed.agreement import AgreementBaseline, fit_agreement
from monitors.windowed.history import History
from monitors.windowed.novelty import NoveltyBaseline, fit_novelty
from monitors.windowed.shares import SharesBaseline, fit_shares

CLUSTER = "cluster"  # the family of shares whose categories are the clusters, by number


class InputBaseline(msgspec.Struct, frozen=True):
    """What the detectors of inputs know of a task."""

    novelty: NoveltyBaseline
    shares: dict[str, SharesBaseline]  # by family

    def to_bytes(self) -> bytes:
        """As JSON."""
        return arrays.encode(self)

    @classmethod
    def from_bytes(cls, body: bytes) -> InputBaseline:
        """What `to_bytes` returned.

        Raises:
            msgspec.ValidationError: a ValueError; it is something else.
        """
        return arrays.decode(body, cls)


def fit_inputs(history: History, *, families: Sequence[str] = ()) -> InputBaseline:
    """Learn novelty, the shares of the clusters, and those of further `families` that were counted.

    Raises:
        ValueError: there are no inputs.
    """
    novelty = fit_novelty(history.inputs, history.exceeded, history.weekend)
    last = history.days[-1]
    numbers = [str(cluster) for cluster in range(history.inputs.shape[-1])]
    shares = {CLUSTER: fit_shares(history.inputs, history.weekend, last_day=last, names=numbers)}
    for family in families:
        if family in history.shares:
            shares[family] = fit_shares(
                history.shares[family], history.weekend, last_day=last, names=history.names[family]
            )
    return InputBaseline(novelty, shares)


def fit_pairs(history: History) -> AgreementBaseline:
    """Learn agreement; `arrays.encode` and `arrays.decode` store it.

    Raises:
        ValueError: there are no pairs.
    """
    return fit_agreement(history.pairs, history.disagreed)

"""What a worker has seen of one input, and what a panel of detectors says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from domain.ports import Evidence

if TYPE_CHECKING:
    from domain.follow_up import Tally


class SeenInput(msgspec.Struct, frozen=True):
    """An input with what was found out about it; `novelty` and `cluster` are None when it was not embedded."""

    at: float
    key: str  # that near-duplicates share
    novelty: float | None = None
    cluster: int | None = None
    words: Mapping[str, str] = {}  # descriptor to word, see `monitors.descriptors`


class Found(msgspec.Struct, frozen=True):
    """What one detector says."""

    detector: str
    at: float
    evidence: Evidence
    budget: str  # of false alarms, in words
    silent: bool = False  # an alarm warns nobody: it only raises the shadow rate
    names: frozenset[str] = frozenset()  # the categories that it tells apart; all others are one to it


class Panel(Protocol):
    """Detectors that see the same inputs.  Pure: the same inputs in the same order give the same findings."""

    def see(self, seen: SeenInput) -> Sequence[Found]:
        """Take an input in; what there is to say after it."""
        ...

    def standing(self, at: float) -> Sequence[Found]:
        """Where every detector stands that has heard something, and not alarmed, since this was last asked."""
        ...

    def states(self) -> Mapping[str, bytes]:
        """The memory of each detector, as JSON."""
        ...

    def tallies(self) -> Sequence[Tally]:
        """The hours that have changed since this was last asked."""
        ...

"""What is watched about pairs, each with the retraining signal that an alarm becomes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.records import Pair, PairState
from monitors.parity import unsafe_alone


class Aspect(msgspec.Struct, frozen=True):
    """An event that must not become more frequent."""

    reason: str  # of the signal; signals of one reason share a cooldown
    event: Callable[[Pair], bool | None]  # None: the pair says nothing about it
    least: int  # observations before an alarm is believed
    scored: bool  # whether the signal tells the detector's own score


def disagreed(pair: Pair) -> bool | None:
    """Whether the answers differ; None when they were not compared."""
    return None if pair.state is not PairState.PAIRED or pair.agreed is None else not pair.agreed


# An alarm on fewer than 20 pairs is believed when it comes again: there is too little to retrain on.  Unsafe answers of
# a new student are told at once.
AGREEMENT = Aspect("agreement", disagreed, 20, scored=False)
SAFETY_PARITY = Aspect("safety_parity", unsafe_alone, 1, scored=True)

"""How long a run measures: the whole, or QUICK=1 for a look."""

from __future__ import annotations

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths and counts of one run."""

    seconds: float  # of a window
    warm_s: float
    rounds: int  # every proxy in turn, so that a slow minute of the machine hits all of them
    pairs: int  # of windows, nginx and preceptor, for the added latency
    streams: int  # held open at a time
    slow_s: float  # that the slow readers do not read
    races: int  # requests to an upstream that closes kept connections


FULL = Plan(seconds=3.0, warm_s=1.0, rounds=3, pairs=15, streams=5000, slow_s=6.0, races=150)
QUICK = Plan(seconds=1.0, warm_s=0.5, rounds=1, pairs=3, streams=1000, slow_s=2.0, races=50)

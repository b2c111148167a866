"""How long a run measures: the whole, or QUICK=1 for a look."""

from __future__ import annotations

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths and counts of one run."""

    heat_s: float  # before anything counts, and the requests in it: just-in-time compilers need thousands
    heat_least: int
    seconds: float  # of a window
    warm_s: float
    least: int  # requests in a window: a slow proxy answers its 64 connections in bursts
    rounds: int  # every proxy in turn, so that a slow minute of the machine hits all of them
    pairs: int  # of windows, nginx and preceptor, for the added latency
    streams: int  # held open at a time
    slow_s: float  # that the slow readers do not read
    races: int  # requests to an upstream that closes kept connections


FULL = Plan(
    heat_s=8.0,
    heat_least=3000,
    seconds=2.0,
    warm_s=1.0,
    least=640,
    rounds=3,
    pairs=12,
    streams=5000,
    slow_s=6.0,
    races=150,
)
QUICK = Plan(
    heat_s=3.0, heat_least=0, seconds=1.0, warm_s=0.5, least=128, rounds=1, pairs=3, streams=1000, slow_s=2.0, races=50
)

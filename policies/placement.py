"""Where a check that others wrote runs: on the event loop when it is fast, else on a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from domain.ports import Subject
from domain.records import Stage
from policies.pool import Pool, Pooled

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check, WaitingCheck

_LOG = logging.getLogger(__name__)

INLINE_S = 50e-6  # an inspection of the probe that is as fast as our own checks may hold up the event loop
_REPEATS = 5
_TEXT = (
    "Good morning, I ordered a pair of walking shoes two weeks ago and the parcel has still not come. The page says "
    "that it was handed over, but nobody in the house has seen it. Could you please find out where it is, or send me "
    "another pair? If that is not possible I would like to have my money back. The number of the order is in the mail "
    "that you sent me on the day after I paid. Thank you very much for your help, and have a nice weekend."
)
PROBE = Subject(Stage.OUTPUT, (_TEXT,), (0,), _TEXT)


def place(
    make: Callable[[], Check],
    *,
    run: Literal["", "inline", "pooled"],
    pool: Pool,
    budget_s: float,
    clock: Clock,
) -> Check | WaitingCheck:
    """The check that `make` makes, inline or pooled as `run` says; empty: as its cost on a probe text says."""
    made = [make()]
    if run == "inline" or (run == "" and cost_s(made[0], clock) < INLINE_S):
        return made[0]
    return Pooled(lambda: made.pop() if made else make(), pool, budget_s=budget_s, clock=clock)


def cost_s(check: Check, clock: Clock) -> float:
    """Seconds of the fastest of a few inspections of the probe; infinite for a check that raises on it."""
    fastest = float("inf")
    try:
        check.inspect(PROBE)  # the first may load and compile
        for _ in range(_REPEATS):
            began = clock.monotonic_s()
            check.inspect(PROBE)
            fastest = min(fastest, clock.monotonic_s() - began)
    except Exception as error:  # noqa: BLE001 - a check of others may not take a text that its task never sees
        _LOG.warning("check_probe_failed check=%s error=%s", check.name, type(error).__name__)
        return float("inf")
    return fastest

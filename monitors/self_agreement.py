"""How often the teacher agrees with itself: the ceiling against which the student's agreement is read.

A second answer differs where the input has several good ones, or where the teacher is not sure.  A student can be above
the ceiling: one that always gives the teacher's commonest answer agrees with it more often than it does itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from domain.follow_up import Recheck, RecheckKind
from domain.records import Agreement, Exchange, Pair
from monitors.agreement import wilson

if TYPE_CHECKING:
    from domain.clock import Clock
    from monitors.rechecking import Rechecker


class SelfCheck:
    """Asks the teacher twice about a share of the pairs of a task."""

    def __init__(self, rechecker: Rechecker, *, rate: float, clock: Clock) -> None:
        self._rechecker = rechecker
        self._rate = rate
        self._clock = clock

    async def again(self, exchange: Exchange, pair: Pair) -> Recheck | None:
        """The second answer for a pair that was just closed with the first; None where none is wanted or came."""
        if not wanted(exchange, pair, rate=self._rate):
            return None
        return await self._rechecker.ask(
            exchange,
            pair.teacher_answer,
            kind=RecheckKind.SELF,
            recheck_id=f"self-{exchange.id}",
            at=self._clock.now_s(),
            probability=pair.probability * self._rate,
        )


def wanted(exchange: Exchange, pair: Pair, *, rate: float) -> bool:
    """Whether a pair is among the share `rate` of the pairs: the draws nest, so its answers cannot matter."""
    return pair.agreed is not None and exchange.draw < pair.probability * rate


def ceiling(rechecks: Iterable[Recheck], *, teacher: str) -> Agreement | None:
    """The agreement of `teacher` with itself on all inputs; None without a second answer of its.

    Hajek's estimate with Wilson's interval at Kish's effective sample size, as for pairs (see `monitors.agreement`).
    """
    mine = [each for each in rechecks if each.kind is RecheckKind.SELF and each.teacher == teacher]
    rows = [(1.0 / each.probability, each.agreed) for each in mine if each.agreed is not None]
    if not rows:
        return None
    weights = sum(weight for weight, _ in rows)
    share = sum(weight for weight, agreed in rows if agreed) / weights
    lower, upper = wilson(share, weights * weights / sum(weight * weight for weight, _ in rows))
    return Agreement(share, lower, upper, len(rows), method="Hajek, Wilson at n_eff")


def share_of_ceiling(agreement: Agreement, top: Agreement) -> Agreement | None:
    """The student's agreement over the teacher's with itself; None where too little is known of the latter.

    The interval of the ratio comes from the two intervals (MOVER-R: Donner and Zou, Statistical Methods in Medical
    Research 21, 2012), as if they were independent; inputs on which both disagree make it too wide, not too narrow.
    Above 1 it says that the student is no worse a copy of the teacher than another answer of the teacher.
    """
    a, b = agreement.estimate, top.estimate
    if top.lower <= 0.0 or top.upper >= 2 * b:
        return None
    lower = _bound(a * b, agreement.lower * (2 * a - agreement.lower), top.upper * (2 * b - top.upper), sign=-1)
    upper = _bound(a * b, agreement.upper * (2 * a - agreement.upper), top.lower * (2 * b - top.lower), sign=1)
    return Agreement(a / b, max(0.0, lower), upper, min(agreement.pairs, top.pairs), agreement.level, "MOVER-R")


def teacher_pairs(rechecks: Iterable[Recheck], pairs: Iterable[Pair]) -> list[tuple[str, str]]:
    """Two answers of the teacher to one input each, where both are known: what texts are calibrated with."""
    second = {each.key: each.answer for each in rechecks if each.kind is RecheckKind.SELF}
    return [(pair.teacher_answer, second[pair.exchange_id]) for pair in pairs if pair.exchange_id in second]


def _bound(product: float, numerator: float, denominator: float, *, sign: int) -> float:
    """One end of the interval: (ab -+ sqrt((ab)^2 - l(2a - l) u(2b - u))) / (u(2b - u))."""
    return (product + sign * math.sqrt(max(0.0, product * product - numerator * denominator))) / denominator

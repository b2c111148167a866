"""Which exchanges the teacher is asked about: samples, with the probability of having been taken.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.records import Arm, Exchange, Pair, PairState
from monitors.answers import comparable

if TYPE_CHECKING:
    from monitors.planner import Inclusion
    from monitors.safety import Stopped


def choose(
    exchange: Exchange, plan: Inclusion, *, at: float, cluster: int | None, stopped: Stopped | None = None
) -> Pair | None:
    """A shadow sample if the exchange's draw says so: pending, or closed at once when there is no student answer.

    One whose student answer a policy `stopped` is pending too: it is no pair to compare, but its safety counts.  The
    answer itself is not kept.  Where no model was asked, there is nothing to sample.
    """
    if not plan.drawn or exchange.arm is Arm.NONE or not comparable(exchange.endpoint):
        return None
    pending = exchange.usable or stopped is not None
    return Pair(
        exchange_id=exchange.id,
        task=exchange.task,
        model=exchange.model if stopped is None else stopped.model,
        stratum=plan.stratum,
        probability=plan.probability,
        state=PairState.PENDING if pending else PairState.STUDENT_ERROR,
        opened_at=at,
        student_answer=exchange.output_text if stopped is None else "",
        student_unsafe=None if stopped is None else stopped.student_unsafe,
        teacher_unsafe=None if stopped is None else stopped.teacher_unsafe,
        closed_at=None if pending else at,
        cluster=cluster,
        tenant=exchange.tenant,
        confidence=exchange.confidence,
        uniform=plan.uniform,
    )

"""Which exchanges the teacher is asked about, and with which probability.  Pure."""

from __future__ import annotations

from domain.records import Arm, Exchange, Pair, PairState, Stratum
from domain.settings import ShadowSettings
from monitors.answers import comparable
from monitors.safety import Stopped


def probability(stratum: Stratum, *, warned: bool, settings: ShadowSettings) -> float:
    """The inclusion probability of an exchange among all traffic: higher for flagged inputs while a warning holds.

    Among all traffic, not among what was journalled: the draws nest, and a rate never exceeds the journal's.  It
    depends on the input and on the past only, so weighting by its inverse keeps estimates unbiased.
    """
    return settings.flagged_rate if warned and stratum is Stratum.FLAGGED else settings.rate


def choose(
    exchange: Exchange,
    stratum: Stratum,
    *,
    warned: bool,
    settings: ShadowSettings,
    at: float,
    stopped: Stopped | None = None,
) -> Pair | None:
    """A shadow sample if the exchange's draw says so: pending, or closed at once when there is no student answer.

    One whose student answer a policy `stopped` is pending too: it is no pair to compare, but its safety counts.  The
    answer itself is not kept.  Where no model was asked, there is nothing to sample.
    """
    chance = probability(stratum, warned=warned, settings=settings)
    if exchange.draw >= chance or exchange.arm is Arm.NONE or not comparable(exchange.endpoint):
        return None
    pending = exchange.usable or stopped is not None
    return Pair(
        exchange_id=exchange.id,
        task=exchange.task,
        model=exchange.model if stopped is None else stopped.model,
        stratum=stratum,
        probability=chance,
        state=PairState.PENDING if pending else PairState.STUDENT_ERROR,
        opened_at=at,
        student_answer=exchange.output_text if stopped is None else "",
        student_unsafe=None if stopped is None else stopped.student_unsafe,
        teacher_unsafe=None if stopped is None else stopped.teacher_unsafe,
        closed_at=None if pending else at,
    )

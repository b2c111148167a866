"""Which exchanges the teacher is asked about, and with which probability.  Pure."""

from __future__ import annotations

from domain.records import Exchange, Pair, PairState, Stratum
from domain.settings import ShadowSettings
from monitors.answers import comparable


def probability(stratum: Stratum, *, warned: bool, settings: ShadowSettings) -> float:
    """The inclusion probability of an exchange among all traffic: higher for flagged inputs while a warning holds.

    Among all traffic, not among what was journalled: the draws nest, and a rate never exceeds the journal's.  It
    depends on the input and on the past only, so weighting by its inverse keeps estimates unbiased.
    """
    return settings.flagged_rate if warned and stratum is Stratum.FLAGGED else settings.rate


def choose(exchange: Exchange, stratum: Stratum, *, warned: bool, settings: ShadowSettings, at: float) -> Pair | None:
    """A shadow sample if the exchange's draw says so: pending, or closed at once when there is no student answer."""
    chance = probability(stratum, warned=warned, settings=settings)
    if exchange.draw >= chance or not comparable(exchange.endpoint):
        return None
    state = PairState.PENDING if exchange.usable else PairState.STUDENT_ERROR
    return Pair(
        exchange_id=exchange.id,
        task=exchange.task,
        model=exchange.model,
        stratum=stratum,
        probability=chance,
        state=state,
        opened_at=at,
        student_answer=exchange.output_text,
        closed_at=None if exchange.usable else at,
    )

"""With which probability the teacher is asked about an exchange.  Pure.

The probability depends on the input, on what the student made of it and on the past, never on the teacher's answer, and
every pair keeps it: weighted with its inverse, pairs of unequal chances speak of all traffic (Horvitz and Thompson
1952, Hajek 1971).  Draws nest, so an exchange is asked about exactly when its draw lies below its probability, and
those below the ordinary rate are a uniform sample of the traffic, whatever else they belong to.

Where not every input is embedded, those with the lowest draws are: their share bounds the probability of the flagged
and of the worst slice.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.records import Exchange, Stratum
from domain.settings import ShadowSettings


class Inclusion(NamedTuple):
    """How an exchange stands in the shadow sample."""

    probability: float  # of being asked about, among all traffic, in (0, 1]; 0 only where no rate is above it
    drawn: bool  # whether it is asked about
    stratum: Stratum  # that of its input, unless another one is the only reason for asking
    uniform: bool  # whether it would be asked about at the ordinary rate, too
    capped: bool  # whether the journal holds fewer exchanges than the rates want; the probability is what is left


def inclusion(
    exchange: Exchange,
    by_input: Stratum,
    *,
    settings: ShadowSettings,
    warned: bool = False,
    in_worst: bool = False,
    pace: float = 1.0,
    known_below: float = 1.0,
) -> Inclusion:
    """The inclusion probability of an exchange: the highest of the rates that apply to it.

    The stratum is the input's as long as the draw lies below the rate of the input alone.  So the pairs of such a
    stratum are a uniform sample of its inputs, as its held-out baseline is, however unsure the student was of them;
    `unsure` and `slice` hold what is asked on top.

    Args:
        exchange: its draw, its confidence and the rate at which it was journalled count.
        by_input: ordinary or flagged.
        settings: the rates.
        warned: whether a drift warning holds; only then flagged inputs are asked about more often.
        in_worst: whether the exchange belongs to the slice whose agreement is worst.
        pace: what the money of the day leaves of every rate, in (0, 1] (see `monitors.budget`).  All strata are thinned
            alike, so that the weights become no more unequal than the rates make them.
        known_below: draws below which an input was embedded, so that its stratum and its cluster are known.  Where
            fewer are embedded than flagged inputs, or those of the slice, are to be asked about, that is their
            probability.
    """
    ordinary = settings.rate * pace
    flagged = warned and by_input is Stratum.FLAGGED
    own = max(ordinary, min(settings.flagged_rate * pace, known_below)) if flagged else ordinary
    extras = _extras(exchange, settings=settings, in_worst=in_worst, pace=pace, known_below=known_below)
    extra, reason = max(extras, default=(0.0, by_input))
    planned = max(own, extra)
    probability = min(planned, exchange.journal_rate)
    return Inclusion(
        probability=probability,
        drawn=exchange.draw < probability,
        stratum=by_input if exchange.draw < own else reason,
        uniform=exchange.draw < min(ordinary, exchange.journal_rate),
        capped=planned > exchange.journal_rate,
    )


def _extras(
    exchange: Exchange, *, settings: ShadowSettings, in_worst: bool, pace: float, known_below: float
) -> list[tuple[float, Stratum]]:
    """The rates at which it is asked about for what it is besides its input, each with its stratum."""
    found = []
    unsure = exchange.confidence is not None and exchange.confidence < settings.unsure_below
    if unsure and settings.unsure_rate is not None:
        found.append((settings.unsure_rate * pace, Stratum.UNSURE))
    if in_worst and settings.slice_rate is not None:
        found.append((min(settings.slice_rate * pace, known_below), Stratum.SLICE))  # a slice may be a cluster
    return found

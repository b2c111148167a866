"""How many pairs a task's traffic could give in a day, and what one of them costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.errors import ConfigError, PreceptorError
from domain.records import Usage
from monitors.answers import comparable
from monitors.costs import Costs

if TYPE_CHECKING:
    from domain.prices import Price
    from domain.records import Exchange, Pair

DAY_S = 86400.0
_LEAST_S = 3600.0  # what is shorter is no traffic to extrapolate


class Demand(msgspec.Struct, frozen=True):
    """What the traffic is like."""

    exchanges_per_day: float
    pairs_per_day: float  # that there would be at a shadow rate of 1
    usd_per_pair: float
    observed_days: float  # that this rests on
    price_source: str


def demand(
    times: Sequence[float],
    newest: Sequence[Exchange],
    pairs: Sequence[Pair],
    *,
    task: str,
    price: Price | None,
    at: float,
) -> Demand:
    """Extrapolate from the journal.

    Args:
        times: when the journalled exchanges of the last days came, oldest first.
        newest: some of them, whose shares and sizes stand for all.
        pairs: what they cost is what a pair costs; `price` counts while there are none.
        task: its name, for errors.
        price: the teacher's; None: none is given.
        at: now.

    Raises:
        PreceptorError: there is no traffic that could give pairs.
        ConfigError: neither pairs nor a price tell what a pair costs.
    """
    usable = [exchange for exchange in newest if exchange.usable and comparable(exchange.endpoint)]
    if not times or not usable:
        raise PreceptorError(f"{task}: no exchange with a student's answer was journalled lately: send traffic first")
    span_s = max(_LEAST_S, at - times[0])
    journalled = sum(1.0 / exchange.journal_rate for exchange in newest) / len(newest)
    per_day = len(times) * journalled * DAY_S / span_s
    usd, source = _price(usable, pairs, task=task, price=price)
    return Demand(
        exchanges_per_day=per_day,
        pairs_per_day=per_day * len(usable) / len(newest),
        usd_per_pair=usd,
        observed_days=span_s / DAY_S,
        price_source=source,
    )


def _price(usable: Sequence[Exchange], pairs: Sequence[Pair], *, task: str, price: Price | None) -> tuple[float, str]:
    costs = [pair.cost_usd for pair in pairs if pair.cost_usd]
    if costs:
        return sum(costs) / len(costs), f"mean of the last {len(costs):,} pairs"
    if price is None:
        raise ConfigError(
            f"tasks.{task}.teacher.price", "not given, and no pair has cost anything yet; 0 if it is free"
        )
    guessed = [_guess(exchange, price) for exchange in usable]
    return sum(guessed) / len(guessed), f"price of {price.source}, tokens of the student"


def _guess(exchange: Exchange, price: Price) -> float:
    """What the teacher would charge for the student's tokens; where they are not known, for what the bytes suggest."""
    if exchange.usage == Usage():
        return Costs(price).mean(exchange.request)
    return price.cost_usd(exchange.usage)

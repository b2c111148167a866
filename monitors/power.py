"""How many pairs a day show a drop of agreement, and with which chance.

The number is found on the even path of `monitors.sensitivity`.  In simulations with the detectors themselves, alarms
came within the time in 77 to 98 % of the runs (median 94 %) where this says 90 %, and in 41 to 70 % (60 %) where it
says 50 %: 113 cases of the windowed detector, 600 runs each; 84 to 94 % (92 %) and 45 to 74 % (58 %) for the
per-sample one, 45 cases of a vectorised copy, 400 runs each (disagreement of 2 to 10 % before drops of 2 to 20 points,
within 1 or 3 days; some, with the detector, are in tests/unit/monitors/test_power.py).  It supposes that all kinds of
inputs drop alike: a drop of one cluster only is seen later.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from domain.errors import ConfigError
from monitors import split
from monitors.sensitivity import Floats, PerSample, Windowed, disagreement

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.settings import TaskSettings
    from monitors.demand import Demand
    from monitors.sensitivity import Sensitivity

CHANCE = 0.9
DAY_VARIATION = 0.1
MOST_PAIRS = 1e6  # a day; what needs more counts as not to be seen
_STEPS = 16  # of a bisection between 1 and MOST_PAIRS: to two in ten thousand
_LARGEST_DROP = 0.99
_DROP_STEPS = 10  # to a tenth of a point


class Need(msgspec.Struct, frozen=True):
    """What it takes to see a drop within the time; None: no number of pairs shows it."""

    drop: float  # of agreement, as a share
    pairs_per_day: int | None
    usd_per_day: float | None
    rate: float | None  # the shadow rate that yields the pairs at the present traffic; above 1: there is too little


def sensitivity(
    task: TaskSettings, deployment: Deployment, *, within_d: float, day_variation: float = DAY_VARIATION
) -> Sensitivity:
    """The configured detector of agreement, held to what the student was deployed with.

    Raises:
        ConfigError: there is no such detector, or nothing to hold against.
    """
    path, settings = f"tasks.{deployment.task}", task.agreement
    if not any(baseline.agreed for baseline in deployment.baselines.values()):
        raise ConfigError(path, f"{deployment.model} agreed on no held-out row: promote with rows like the traffic")
    if settings.detector == "none":
        raise ConfigError(f"{path}.agreement.detector", "none sees no drop; use windowed or per-sample")
    if settings.detector == "windowed":
        part = split.parts(task)[split.AGREEMENT]
        days, _ = split.threshold_days(settings.false_alarm_days, part)
        rate = disagreement(deployment.baselines.values())
        return Windowed(rate, alarm_days=days, within_d=within_d, day_variation=day_variation)
    days = settings.false_alarm_days / split.parts(task)[split.AGREEMENT]
    return PerSample(deployment.baselines, alarm_days=days, within_d=within_d)


def pairs_needed(by: Sensitivity, drops: Sequence[float], chances: Sequence[float]) -> Floats:
    """The pairs a day at which each drop is seen with the chance beside it; inf above MOST_PAIRS.  Shape (n,)."""
    drop, unlucky = np.asarray(drops, float), _unlucky(by, chances)
    low, high = np.zeros(len(drop)), np.full(len(drop), np.log(MOST_PAIRS))
    never = by.evidence(np.exp(high), drop, unlucky) < 1
    for _ in range(_STEPS):
        middle = (low + high) / 2
        seen = by.evidence(np.exp(middle), drop, unlucky) >= 1
        low, high = np.where(seen, low, middle), np.where(seen, middle, high)
    return np.asarray(np.where(never, np.inf, np.exp(high)))


def smallest_drop(by: Sensitivity, pairs: float, *, chance: float = CHANCE) -> float | None:
    """The smallest drop, as a share, that so many pairs a day show with this chance; None: not even the largest."""
    per_day, unlucky = np.array([max(pairs, 1.0)]), _unlucky(by, [chance])

    def seen(drop: float) -> bool:
        return bool(by.evidence(per_day, np.array([drop]), unlucky)[0] >= 1)

    low, high = 0.0, _LARGEST_DROP
    if not seen(high):
        return None
    for _ in range(_DROP_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def needs(by: Sensitivity, drops: Sequence[float], demand: Demand, *, chance: float = CHANCE) -> list[Need]:
    """What each drop takes."""
    found = pairs_needed(by, drops, [chance] * len(drops)).tolist()
    return [_need(drop, pairs, demand) for drop, pairs in zip(drops, found, strict=True)]


def _need(drop: float, pairs: float, demand: Demand) -> Need:
    if pairs == np.inf:
        return Need(drop, None, None, None)
    whole = int(np.ceil(pairs))
    return Need(drop, whole, whole * demand.usd_per_pair, whole / demand.pairs_per_day)


def _unlucky(by: Sensitivity, chances: Sequence[float]) -> Floats:
    return np.array([NormalDist().inv_cdf(chance) for chance in chances]) - by.ahead

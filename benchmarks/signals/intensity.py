"""How many requests an hour and a cluster can expect, before any are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.scenarios import HOURS, WEEK
from benchmarks.signals.stream import zipf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.stream import Stream

_DAY_NOISE = 0.08  # sd of the log-volume from day to day


def volume_profile(stream: Stream) -> NDArray[np.float64]:
    """Relative volume of each hour; its mean over an ordinary week is 1."""
    scenario, clock, rng = stream.scenario, stream.clock, stream.rng
    profile = scenario.night**-clock.night * np.where(clock.weekend, scenario.weekend, 1.0)
    profile = profile / profile[: WEEK * HOURS].mean()
    profile[clock.holiday] *= 0.3 / scenario.weekend
    if scenario.name != "iid":
        profile *= np.exp(_DAY_NOISE * rng.standard_normal(clock.days))[clock.day]
    season = 2 * np.pi * (clock.day / 365 + rng.random())
    profile *= np.exp(scenario.yearly * (np.cos(season) - np.cos(season[0])))
    day, factor = scenario.volume_step
    profile[clock.day >= day] *= factor
    return np.asarray(profile)


def shares(stream: Stream) -> NDArray[np.float64]:
    """Shares of the clusters in each hour, rows that sum to 1: (hours, clusters)."""
    scenario, clock, rng = stream.scenario, stream.clock, stream.rng
    k, days = scenario.clusters, clock.days
    phase, weekend = rng.random(k) * HOURS, rng.standard_normal(k)
    by_hour = np.cos((np.arange(HOURS)[:, None] - phase) / HOURS * 2 * np.pi)
    habits = np.exp(scenario.mix * (by_hour[None] + np.array([0, 1])[:, None, None] * weekend))  # (2, 24, clusters)
    drifting = np.cumsum(scenario.wander * rng.standard_normal((days, k)), axis=0)
    if scenario.yearly:
        season = 2 * np.pi * (np.arange(days)[:, None] / 365 + rng.random(k))
        drifting = drifting + scenario.yearly * np.cos(season)
    mix = zipf(k) * habits[clock.weekend.astype(int), clock.hour] * np.exp(drifting)[clock.day]
    return np.asarray(mix / mix.sum(1, keepdims=True))


def campaigns(stream: Stream) -> NDArray[np.float64]:
    """Factors of the clusters in each hour: three while a campaign runs, else one."""
    scenario, days, rng = stream.scenario, stream.clock.days, stream.rng
    factor = np.ones((days, scenario.clusters))
    for first in np.flatnonzero(rng.random(days) < scenario.campaigns):
        factor[first : first + rng.integers(1, 4), rng.integers(scenario.clusters)] = 3.0
    return np.asarray(factor[stream.clock.day])


def intensity(stream: Stream) -> NDArray[np.float64]:
    """Expected requests: (hours, clusters)."""
    per_hour = stream.volume.inputs / HOURS * volume_profile(stream)
    usual = per_hour[:, None] * shares(stream) * campaigns(stream)
    return usual * stream.drift.growth(stream.hours, stream.traits)

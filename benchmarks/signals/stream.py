"""One stream of simulated traffic: its scenario, its clock, what its clusters and users are like, and its dice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.scenarios import HOURS, WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.drifts import Drift
    from benchmarks.signals.scenarios import Scenario, Volume

_BUSIEST = 14
_CLUSTER_NOVELTY, _USER_NOVELTY = 0.6, 0.2
_CLUSTER_ERRORS, _USER_ERRORS = 0.7, 0.4
_MIDDLING = (0.02, 0.06)  # shares of the clusters that are neither large nor small


def zipf(clusters: int) -> NDArray[np.float64]:
    """Shares of the clusters in the long run, the largest first."""
    share = 1.0 / np.arange(1, clusters + 1)
    return np.asarray(share / share.sum())


class Clock:
    """Local time of every hour: day, hour of the day, weekend; holidays count as weekends."""

    def __init__(self, scenario: Scenario, days: int) -> None:
        hours = np.arange(days * HOURS)
        shift = np.zeros(len(hours), int)
        for number, day in enumerate(scenario.clock_changes):
            shift[day * HOURS :] += 1 if number % 2 == 0 else -1
        self.days = days
        self.day = hours // HOURS  # of the records; only people's habits follow the changed clock
        habits = hours + shift
        self.hour = habits % HOURS
        first, length = scenario.holiday
        self.holiday = (self.day >= first) & (self.day < first + length)
        self.weekend = ((habits // HOURS % WEEK) >= 5) | self.holiday
        self.night = (1 - np.cos((self.hour - _BUSIEST) / HOURS * 2 * np.pi)) / 2  # 0 at the busiest hour, 1 at night


@dataclass(frozen=True)
class Traits:
    """How clusters and users differ from each other: in novelty, and in the log-odds of an error."""

    novelty: NDArray[np.float64]
    errors: NDArray[np.float64]
    user_novelty: NDArray[np.float64]
    user_errors: NDArray[np.float64]
    known: int  # a cluster of middling size
    worst: int  # of the clusters that are not small, the one with most errors

    @classmethod
    def draw(cls, scenario: Scenario, rng: np.random.Generator) -> Traits:
        """Those of one stream; without users there is one, as any other."""
        k, users = scenario.clusters, scenario.users
        share = zipf(k)
        middling = np.flatnonzero((share >= _MIDDLING[0]) & (share <= _MIDDLING[1]))
        errors = _CLUSTER_ERRORS * rng.standard_normal(k)
        return cls(
            _CLUSTER_NOVELTY * rng.standard_normal(k),
            errors,
            _USER_NOVELTY * rng.standard_normal(users) if users else np.zeros(1),
            _USER_ERRORS * rng.standard_normal(users) if users else np.zeros(1),
            int(rng.choice(middling)) if len(middling) else k - 1,
            int(np.where(share >= _MIDDLING[0], errors, -np.inf).argmax()),
        )


@dataclass(frozen=True)
class Stream:
    """What the parts of the simulator share; `rng` is used up in the order in which they draw."""

    scenario: Scenario
    volume: Volume
    drift: Drift
    clock: Clock
    rng: np.random.Generator
    traits: Traits

    @classmethod
    def begin(cls, scenario: Scenario, volume: Volume, drift: Drift, *, days: int, seed: int) -> Stream:
        """A stream of `days` whole days."""
        rng = np.random.default_rng(seed)
        return cls(scenario, volume, drift, Clock(scenario, days), rng, Traits.draw(scenario, rng))

    @property
    def hours(self) -> int:
        """How long it is."""
        return len(self.clock.day)

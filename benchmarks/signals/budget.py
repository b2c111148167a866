"""False alarms of the windowed detectors on traffic without drift, per task and 30 days."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.monitored import Alarms, monitor
from benchmarks.signals.scenarios import (
    LARGE,
    MEDIUM,
    MONITORED_DAYS,
    ONE_EACH,
    PLAIN,
    REFERENCE_DAYS,
    SMALL,
    UNSEEN,
    VOLUMES,
)
from benchmarks.signals.simulator import Counts, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.results import Results
    from benchmarks.signals.scenarios import Scenario, Volume

SEED = 100_000  # streams of this table; constants were chosen on others
MONTH_DAYS = 30.0
_STREAMS = {SMALL: 200, MEDIUM: 200, LARGE: 60}
_UNSEEN_STREAMS = {SMALL: 80, MEDIUM: 80, LARGE: 24}
_QUICK_STREAMS = {SMALL: 6, MEDIUM: 6, LARGE: 2}
_CELLS_AT_ONCE = 1200  # streams x clusters in memory
_UNLUCKY = 3  # alarms in 90 days: more than the budget of a task on its own


@dataclass
class Pool:
    """Alarms of many streams: {family: alarms of each stream}, and the days they were watched."""

    days: float = 0.0
    alarms: dict[str, list[int]] = field(default_factory=dict)

    def add(self, alarms: Alarms) -> None:
        """Take in streams that were watched for 90 days."""
        for family, hours in alarms.items():
            self.alarms.setdefault(family, []).extend(hours.sum(1).tolist())
            streams = len(hours)
        self.days += streams * MONITORED_DAYS

    def join(self, other: Pool) -> None:
        """Take in all of another pool."""
        self.days += other.days
        for family, alarms in other.alarms.items():
            self.alarms.setdefault(family, []).extend(alarms)

    @property
    def together(self) -> NDArray[np.int64]:
        """Alarms of each stream over all families."""
        return np.asarray(np.sum([self.alarms[family] for family in sorted(self.alarms)], axis=0))


def poisson_interval(events: int, exposure: float) -> tuple[float, float]:
    """The exact 95 % interval of a rate (Garwood 1936)."""
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    return float(low / exposure), float(chi2.ppf(0.975, 2 * events + 2) / 2 / exposure)


def chunks(scenario: Scenario, streams: int) -> Iterator[range]:
    """Numbers of the streams that are simulated together."""
    size = max(4, min(60, _CELLS_AT_ONCE // scenario.clusters))
    for first in range(0, streams, size):
        yield range(first, min(first + size, streams))


def watched(scenario: Scenario, volume: Volume, streams: int, *, seed: int = SEED) -> Pool:
    """Simulate and monitor one cell of the table."""
    pool = Pool()
    days = REFERENCE_DAYS + MONITORED_DAYS
    for numbers in chunks(scenario, streams):
        counts = Counts.stack([simulate(scenario, volume, days=days, seed=seed + number) for number in numbers])
        pool.add(monitor(counts))
    return pool


def measure(results: Results, *, quick: bool) -> None:
    """All scenarios at all volumes; progress on stderr."""
    every, began = Pool(), time.monotonic()
    for scenarios, full in ((PLAIN, _STREAMS), ((*UNSEEN, *ONE_EACH), _UNSEEN_STREAMS)):
        for scenario in scenarios:
            for volume in VOLUMES:
                streams = (_QUICK_STREAMS if quick else full)[volume]
                pool = watched(scenario, volume, streams)
                every.join(pool)
                _report(results, f"{scenario.name} {volume}", pool, "<= 0.5" if volume == SMALL else "<= 0.3")
                spent = time.monotonic() - began
                found = pool.together.sum() / pool.days * MONTH_DAYS
                sys.stderr.write(f"{spent:6.0f} s  {scenario.name:<18} {volume!s:<11} {found:.2f} alarms in 30 days\n")
    _report(results, "all scenarios and volumes", every, "")
    years = every.days / 365.25
    results.add("all scenarios and volumes", "task-years", years, "years", n=len(every.together), seed=SEED)
    unlucky = float((every.together > _UNLUCKY).mean())
    results.add(
        "all scenarios and volumes",
        "tasks over budget on their own",
        unlucky,
        "share",
        n=len(every.together),
        seed=SEED,
    )


def _report(results: Results, case: str, pool: Pool, target: str) -> None:
    months, n = pool.days / MONTH_DAYS, len(pool.together)
    total = int(pool.together.sum())
    results.add(case, "false alarms in 30 days", total / months, "alarms", target=target, n=n, seed=SEED)
    for bound, value in zip(("lower", "upper"), poisson_interval(total, months), strict=True):
        results.add(case, f"95 % {bound} bound of it", value, "alarms", n=n, seed=SEED)
    for family, alarms in pool.alarms.items():
        results.add(case, f"of these {family}", sum(alarms) / months, "alarms", n=n, seed=SEED)

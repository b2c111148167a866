"""The plain detectors beside the windowed ones, on some of the same streams: false alarms, and delays of two drifts."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.delays import families
from benchmarks.signals.drifts import ERRORS, TOPICS, Drift
from benchmarks.signals.monitored import monitor
from benchmarks.signals.plain import always, never, per_sample, rolling
from benchmarks.signals.scenarios import BY_NAME, HOURS, MEDIUM, REFERENCE_DAYS
from benchmarks.signals.simulator import Counts, simulate

if TYPE_CHECKING:
    from benchmarks.results import Results
    from benchmarks.signals.monitored import Alarms
    from benchmarks.signals.scenarios import Scenario

SEED = 400_000
_DAYS = 30
_SCENARIOS = ("iid", "seas_mod", "users", "real", "hard")
_DRIFTS = (TOPICS[1], ERRORS[1])
_ONSET_DAYS = 3


def measure(results: Results, *, quick: bool) -> None:
    """False alarms without drift in several kinds of traffic, delays in independent and in real traffic."""
    began, streams = time.monotonic(), 2 if quick else 10
    for name in ("iid", "real") if quick else _SCENARIOS:
        for detector, alarms in _all(_streams(BY_NAME[name], streams)).items():
            per_month = sum(float(hours.sum()) for hours in alarms.values()) / streams
            case = f"{detector}, {name} {MEDIUM}"
            results.add(case, "false alarms in 30 days", per_month, "alarms", n=streams, seed=SEED)
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  plain detectors in {name}\n")
    for name in ("iid",) if quick else ("iid", "real"):
        for drift in _DRIFTS:
            _delays(results, BY_NAME[name], drift, streams)


def _streams(scenario: Scenario, streams: int, drift: Drift | None = None) -> Counts:
    drift = drift or Drift()
    days = REFERENCE_DAYS + _DAYS
    return Counts.stack([simulate(scenario, MEDIUM, days=days, seed=SEED + n, drift=drift) for n in range(streams)])


def _all(counts: Counts) -> dict[str, Alarms]:
    return {
        "windowed": monitor(counts),
        "per-sample": per_sample(counts, np.random.default_rng(SEED)),
        "rolling threshold": rolling(counts),
        "always": always(counts),
        "never": never(counts),
    }


def _delays(results: Results, scenario: Scenario, drift: Drift, streams: int) -> None:
    onset = _ONSET_DAYS * HOURS
    counts = _streams(scenario, streams, drift.at(REFERENCE_DAYS * HOURS + onset))
    for detector, alarms in _all(counts).items():
        seen = [hours for family, hours in alarms.items() if family in (*families(drift), detector)]
        later = np.any(seen, axis=0)[:, onset:] > 0
        found = np.where(later.any(1), later.argmax(1) + 1, later.shape[1])
        case = f"{detector}, {drift.name}, {scenario.name} {MEDIUM}"
        results.add(case, "median delay", float(np.median(found)), "h", n=streams, seed=SEED)

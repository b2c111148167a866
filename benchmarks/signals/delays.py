"""How long the windowed detectors need for a drift, and whether a harmless change of mix alarms them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.budget import chunks
from benchmarks.signals.drifts import ERRORS, GROWTHS, HARMLESS, NONE, TOPICS, Drift
from benchmarks.signals.monitored import AGREEMENT, NOVELTY, SHARES, monitor
from benchmarks.signals.scenarios import BY_NAME, HOURS, LARGE, MEDIUM, REFERENCE_DAYS, SMALL, VOLUMES
from benchmarks.signals.simulator import Counts, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.results import Results
    from benchmarks.signals.scenarios import Scenario, Volume

SEED = 200_000
LIMIT_DAYS = 45  # what is not found by then is called missed and counts with this delay
_ONSET_DAYS = (3, 10)  # after the reference
_STREAMS = {SMALL: 60, MEDIUM: 60, LARGE: 20}
_STREAMS_WITH_TARGETS = 240
_QUICK_STREAMS = {MEDIUM: 8}
_SCENARIOS = ("real", "iid", "seas_mod")
_QUICK_SCENARIOS = ("real",)
_TARGETS = {
    "new topic 50%": "<= 7",
    "new topic 20%": "<= 9",
    "new topic 10%": "<= 19",
    "new topic 5%": "<= 37",
    "agreement -15 points": "<= 12",
    "agreement -10 points": "<= 20",
    "agreement -5 points": "<= 77",
}


def families(drift: Drift) -> tuple[str, ...]:
    """Whose alarms count as finding it."""
    if drift.topic:
        return (NOVELTY, SHARES)
    return (SHARES,) if drift.known_times != 1 else (AGREEMENT,)


def delays(
    scenario: Scenario, volume: Volume, drift: Drift, streams: int, *, limit_days: int = LIMIT_DAYS
) -> NDArray[np.float64]:
    """Hours from the onset to the end of the hour that alarms, of each stream; infinite where none does in time."""
    found = np.full(streams, np.inf)
    days = REFERENCE_DAYS + _ONSET_DAYS[1] + limit_days
    onsets = REFERENCE_DAYS * HOURS + np.random.default_rng(SEED).integers(
        _ONSET_DAYS[0] * HOURS, _ONSET_DAYS[1] * HOURS, streams
    )
    for numbers in chunks(scenario, streams):
        counts = Counts.stack(
            [simulate(scenario, volume, days=days, seed=SEED + n, drift=drift.at(int(onsets[n]))) for n in numbers]
        )
        alarms = monitor(counts, families=families(drift))
        any_family = np.any(list(alarms.values()), axis=0)
        for row, n in zip(any_family, numbers, strict=True):
            first = int(onsets[n]) - REFERENCE_DAYS * HOURS
            later = np.flatnonzero(row[first : first + limit_days * HOURS])
            found[n] = later[0] + 1 if len(later) else np.inf
    return found


def measure(results: Results, *, quick: bool) -> None:
    """Every drift in three kinds of traffic; progress on stderr."""
    began = time.monotonic()
    for name in _QUICK_SCENARIOS if quick else _SCENARIOS:
        for volume, streams in (_QUICK_STREAMS if quick else _STREAMS).items():
            for drift in (*TOPICS, *GROWTHS, *ERRORS):
                target = _TARGETS.get(drift.name, "") if (name, volume) == ("real", MEDIUM) else ""
                n = _STREAMS_WITH_TARGETS if target and not quick else streams
                found = delays(BY_NAME[name], volume, drift, n)
                _report(results, f"{drift.name}, {name} {volume}", found, target)
            sys.stderr.write(f"{time.monotonic() - began:6.0f} s  delays in {name} at {volume}\n")


def _report(results: Results, case: str, found: NDArray[np.float64], target: str) -> None:
    hours, n = np.minimum(found, LIMIT_DAYS * HOURS), len(found)
    results.add(case, "median delay", float(np.median(hours)), "h", target=target, n=n, seed=SEED)
    for percent in (90, 95):
        results.add(case, f"{percent}th percentile", float(np.quantile(hours, percent / 100)), "h", n=n, seed=SEED)
    results.add(case, "missed in 45 days", float(np.isinf(found).mean()), "share", n=n, seed=SEED)


def measure_harmless(results: Results, *, quick: bool) -> None:
    """Tasks that alarm within 30 days although only a bad cluster grew: with and without a look at the clusters."""
    streams = 10 if quick else 60
    for volume in VOLUMES[1:2] if quick else VOLUMES[1:]:
        for drift in (NONE, *HARMLESS):
            both = _harmless(BY_NAME["seas_mod"], volume, drift, streams)
            for label, share in both.items():
                case = f"{drift.name}, seas_mod {volume}"
                target = "<= 0.05" if label == "conditioned" else ""
                results.add(case, f"agreement alarms, {label}", share, "share", target=target, n=streams, seed=SEED)


def _harmless(scenario: Scenario, volume: Volume, drift: Drift, streams: int) -> dict[str, float]:
    alarmed: dict[str, list[bool]] = {"conditioned": [], "on the raw total": []}
    onset = (REFERENCE_DAYS + _ONSET_DAYS[0]) * HOURS
    days = REFERENCE_DAYS + _ONSET_DAYS[0] + 30
    for numbers in chunks(scenario, streams):
        counts = Counts.stack(
            [simulate(scenario, volume, days=days, seed=SEED + n, drift=drift.at(onset)) for n in numbers]
        )
        for label, seen in (("conditioned", counts), ("on the raw total", counts.in_one_cluster())):
            alarms = monitor(seen, families=(AGREEMENT,))[AGREEMENT]
            alarmed[label] += [bool(row.any()) for row in alarms[:, _ONSET_DAYS[0] * HOURS :]]
    return {label: float(np.mean(tasks)) for label, tasks in alarmed.items()}

"""Does the safety detector keep its budget, how fast is it, and does the interval of safety parity hold the truth?

All of it is simulated: independent pairs, a share of them unsafe on the student's side alone.  No data set is needed.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import Results
from domain.ports import Observation
from domain.records import Pair, PairState, Stratum
from monitors.detectors.safety import LIFTS, SafetyDetector
from monitors.parity import RATE, estimate
from monitors.sr import ExceedanceSR

THRESHOLD = 6000.0  # 200 pairs a day, one false alarm in 30 days: the default
NEVER = sys.maxsize
WARM = 200  # pairs without an event before the student changes
LONGEST = 20_000  # pairs until a run is given up


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add all cases; `data` is not used."""
    del data
    budget(results, streams=100 if quick else 1000)
    delays(results, runs=200)
    repetition(results, streams=20 if quick else 200)
    coverage(results, runs=200)
    cost(results)


def budget(results: Results, *, streams: int, length: int = 20_000) -> None:
    """False alarms at and below the tolerated rate; every alarm starts a stream over, as in the detector."""
    for rate in (RATE, RATE / 4):
        rng = np.random.default_rng(1)
        process = ExceedanceSR(np.full(streams, RATE).tolist(), lifts=LIFTS)
        alarms = 0
        for _ in range(length):
            process.update((rng.random(streams) < rate).tolist())
            g = np.asarray(process.values())
            alarmed = g.mean(1) > THRESHOLD
            if alarmed.any():
                alarms += int(alarmed.sum())
                g[alarmed] = 0.0
                process.restore(g.tolist())
        pairs = streams * length
        results.add(
            f"parity: simulated, {rate:.3%} unsafe, A = {THRESHOLD:,.0f}",
            "false alarms per 10^6 pairs",
            alarms / pairs * 1e6,
            "alarms",
            target=f"<= {1e6 / THRESHOLD:.0f}",
            n=pairs,
            seed=1,
        )


def delays(results: Results, *, runs: int) -> None:
    """Pairs from the change to the alarm, by the detector itself."""
    for share in (0.005, 0.01, 0.05, 0.2):
        rng = np.random.default_rng(2)
        found = [_delay(rng, share) for _ in range(runs)]
        case = f"parity: simulated, 0 -> {share:.1%} unsafe, A = {THRESHOLD:,.0f}"
        results.add(case, "median delay", float(statistics.median(found)), "pairs", n=runs, seed=2)
        results.add(case, "95th percentile", float(np.quantile(found, 0.95)), "pairs", n=runs, seed=2)


def _delay(rng: Any, share: float) -> int:
    detector = SafetyDetector(RATE, threshold=THRESHOLD, budget="")
    for _ in range(WARM):
        detector.update(_pair(False))
    events = rng.random(LONGEST) < share
    return next((n for n, event in enumerate(events, 1) if detector.update(_pair(bool(event))).alarm), NEVER)


def repetition(results: Results, *, streams: int, length: int = 5000) -> None:
    """False alarms where each unsafe input is asked five times in a row, at the tolerated rate in all."""
    for collapsed in (True, False):
        rng, alarms, numbers = np.random.default_rng(3), 0, itertools.count()
        for _ in range(streams):
            detector = SafetyDetector(RATE, threshold=THRESHOLD, budget="")
            for unsafe in rng.random(length // 5) < RATE:
                key = f"{next(numbers):x}"
                alarms += sum(detector.update(_pair(bool(unsafe), key if collapsed else "")).alarm for _ in range(5))
        how = "near-duplicates collapsed" if collapsed else "every repetition counted"
        results.add(
            f"parity: simulated, inputs come five times, {RATE:.1%} unsafe, {how}",
            "false alarms per 10^6 pairs",
            alarms / (streams * length) * 1e6,
            "alarms",
            target=f"<= {1e6 / THRESHOLD:.0f}" if collapsed else "",
            n=streams * length,
            seed=3,
        )


def coverage(results: Results, *, runs: int, inputs: int = 30_000) -> None:
    """Share of the intervals that hold the truth; flagged inputs, a tenth, are asked ten times as often."""
    for ordinary, flagged in ((0.001, 0.001), (0.01, 0.0), (0.0, 0.05)):
        rng, hits, truth = np.random.default_rng(4), 0, 0.9 * ordinary + 0.1 * flagged
        for _ in range(runs):
            strange = rng.random(inputs) < 0.1
            chance = np.where(strange, 0.5, 0.05)
            asked = rng.random(inputs) < chance
            events = rng.random(inputs) < np.where(strange, flagged, ordinary)
            found = estimate(itertools.starmap(_judged, zip(events[asked], chance[asked], strict=True)))
            hits += found is not None and found.lower <= truth <= found.upper
        case = f"parity: simulated, {ordinary:.1%} of ordinary and {flagged:.1%} of flagged inputs unsafe"
        results.add(case, "95 % intervals that hold the truth", hits / runs, "share", target=">= 0.94", n=runs, seed=4)


def cost(results: Results, *, updates: int = 20_000) -> None:
    """Microseconds of one pair in the detector."""
    detector, taken = SafetyDetector(RATE, threshold=THRESHOLD, budget=""), []
    for number in range(updates):
        observation = _pair(False, f"{number:x}")
        started = time.perf_counter()
        detector.update(observation)
        taken.append(time.perf_counter() - started)
    results.add("parity: one pair in the detector", "p50", statistics.median(taken) * 1e6, "us", n=updates)


def _pair(unsafe: bool, key: str = "") -> Observation:
    return Observation(at=0.0, counts=(float(unsafe),), key=key)


def _judged(unsafe: Any, chance: Any) -> Pair:
    return Pair(
        exchange_id="", task="", model="", stratum=Stratum.ORDINARY, probability=float(chance), state=PairState.PAIRED,
        opened_at=0.0, student_unsafe=bool(unsafe), teacher_unsafe=False,
    )  # fmt: skip

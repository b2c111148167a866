"""Do the per-sample detectors keep their false-alarm budget on independent observations, and how fast are they?

Everything here is drawn: each stream has its own baseline or reference, so that its sampling error counts.  Real texts
are in `texts`, other people's detectors in `baselines`; traffic with seasons and bursts is in `simulator`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from domain.ports import Observation
from domain.records import Baseline, Stratum
from monitors.category_sr import CategorySR
from monitors.detectors import agreement as agreement_detector
from monitors.detectors import novelty as novelty_detector
from monitors.detectors.agreement import AgreementDetector
from monitors.reference import QUANTILES
from monitors.sr import upper_bound

if TYPE_CHECKING:
    from benchmarks.results import Results

ITEMS = 2000
AGREED = 0.95
A_PAIRS = 4e6  # promised mean number of pairs to a false alarm
A_INPUTS = 2e4
DECLINE = 5000  # pairs
NEVER = sys.maxsize

Draw = Callable[[int], Any]  # the categories of observation n, one for each stream


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Agreement, novelty and what strata save; no data is needed."""
    agreement(results, streams=100 if quick else 2000, length=5_000 if quick else 60_000)
    novelty(results, streams=50 if quick else 200)
    strata(results, streams=20 if quick else 200)


def first_alarms(process: CategorySR, draw: Draw, threshold: float, *, length: int) -> Any:
    """The number of the observation at which each stream first alarms; NEVER where none does within `length`."""
    first = np.full(len(process.statistics), NEVER)
    for number in range(1, length + 1):
        process.update(draw(number))
        first[(process.statistics > threshold) & (first == NEVER)] = number
        if number % 16 == 0 and (first < NEVER).all():
            break
    return first


def held_to(rng: Any, streams: int) -> CategorySR:
    """Agreement processes as the detector makes them, each with its own held-out items."""
    wrong = rng.binomial(ITEMS, 1 - AGREED, streams)
    ceiling = upper_bound(wrong, ITEMS, level=agreement_detector.CEILING)
    return CategorySR(np.column_stack([ITEMS - wrong, wrong]), agreement_detector.alternatives(), ceiling=ceiling)


def agreement(results: Results, *, streams: int, length: int, seed: int = 121) -> None:
    """False alarms at 95 % agreement, and delays of falls from it."""
    rng = np.random.default_rng(seed)

    def coins(rate: Callable[[int], float]) -> Draw:
        return lambda number: (rng.random(streams) < rate(number)).astype(int)

    first = first_alarms(held_to(rng, streams), coins(lambda _: 1 - AGREED), A_PAIRS, length=length)
    exposure = int(np.minimum(first, length).sum())
    rate = float((first < NEVER).sum() / exposure * 1e6)
    case = f"agreement of {AGREED:.0%}, A = {A_PAIRS:,.0f}"
    results.add(case, "false alarms per 10^6 pairs", rate, "alarms", target="<= 0.2", n=exposure, seed=seed)
    falls: dict[str, tuple[Callable[[int], float], str]] = {
        "95 -> 90 %": (lambda _: 0.10, ""),
        "95 -> 85 %": (lambda _: 0.15, "<= 190"),
        "95 -> 80 %": (lambda _: 0.20, ""),
        "95 -> 85 % over 5,000 pairs": (lambda number: 0.05 + 0.10 * min(number / DECLINE, 1.0), ""),
    }
    for name, (wrong, target) in falls.items():
        found = first_alarms(held_to(rng, streams), coins(wrong), A_PAIRS, length=20_000)
        delays(results, f"agreement {name}", found, "pairs", target=target, seed=seed, length=20_000)


def novelty(results: Results, *, streams: int, seed: int = 122) -> None:
    """False alarms of novelty at A = 2 x 10^4, a new reference of 2,000 for each stream."""
    rng, length = np.random.default_rng(seed), 20_000
    thresholds = np.quantile(rng.random((ITEMS, streams)), QUANTILES, axis=0).T
    levels = -np.diff(np.round(ITEMS * (1 - np.array([0.0, *QUANTILES, 1.0]))))
    process = CategorySR(np.tile(levels, (streams, 1)), novelty_detector.alternatives(levels.tolist()))
    first = first_alarms(process, lambda _: (rng.random((streams, 1)) > thresholds).sum(1), A_INPUTS, length=length)
    exposure = int(np.minimum(first, length).sum())
    rate = float((first < NEVER).sum() / exposure * 1e4)
    results.add(
        "novelty, independent", "false alarms per 10^4 inputs", rate, "alarms", target="<= 0.5", n=exposure, seed=seed
    )


def strata(results: Results, *, streams: int, seed: int = 123) -> None:
    """Teacher calls to an alarm when a tenth of the traffic is new, flagged, and answered right half of the time.

    Both ask about 1 % of the traffic before: of all alike, or 10 % of what is flagged and 0.53 % of the rest.  In the
    reference 5 % are flagged.
    """
    rng = np.random.default_rng(seed)
    for name, rates, target in (("uniform", (0.01, 0.01), ""), ("stratified", (0.0053, 0.10), "<= 85")):
        calls = np.array([_calls(rng, *rates) for _ in range(streams)])
        delays(results, f"a tenth new, {name}", calls, "calls", target=target, seed=seed, length=20_000)


def _calls(rng: Any, ordinary_rate: float, flagged_rate: float) -> int:
    flagged = rng.binomial(ITEMS, 0.05)
    items = {Stratum.ORDINARY: ITEMS - flagged, Stratum.FLAGGED: flagged}
    wrong = {stratum: rng.binomial(n, 1 - AGREED) for stratum, n in items.items()}
    known = {str(stratum): Baseline(int(n), int(n - wrong[stratum])) for stratum, n in items.items()}
    together = Baseline(ITEMS, ITEMS - int(sum(wrong.values())))
    one_rate = ordinary_rate == flagged_rate
    detector = AgreementDetector({"all": together} if one_rate else known, threshold=1e6, budget="10^6 pairs")
    new, usual = 0.10 * flagged_rate, 0.90 * 0.05 * flagged_rate
    rest = 0.90 * 0.95 * ordinary_rate
    kinds = np.array([new, usual, rest]) / (new + usual + rest)
    for number in range(1, 20_001):
        kind = rng.choice(3, p=kinds)
        disagreed = float(rng.random() < (0.5 if kind == 0 else 1 - AGREED))
        stratum = "all" if one_rate else str(Stratum.ORDINARY if kind == 2 else Stratum.FLAGGED)
        if detector.update(Observation(at=0.0, counts=(disagreed,), stratum=stratum)).alarm:
            return number
    return NEVER


def delays(
    results: Results, case: str, found: Any, unit: str, *, seed: int, length: int, target: str = "", tail: bool = True
) -> None:
    """Median and 95th percentile of delays; streams without an alarm in `length` count as that, and are told of."""
    found, missed = np.minimum(found, length), float((np.asarray(found) == NEVER).mean())
    results.add(case, "median delay", float(np.median(found)), unit, target=target, n=len(found), seed=seed)
    if tail:
        results.add(case, "95th percentile", float(np.quantile(found, 0.95)), unit, n=len(found), seed=seed)
    if missed:
        results.add(case, f"no alarm in {length:,}", missed, "share", n=len(found), seed=seed)

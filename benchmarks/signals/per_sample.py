"""Do the per-sample detectors keep their false-alarm budget on independent observations, and how fast are they?

Agreement is simulated: every stream has its own baseline of 2,000 held-out pairs, so its sampling error counts.
Novelty is simulated likewise, and with `--data DIR` (clinc150/data_full.json) measured on real texts through MiniLM:
in-scope traffic, then a share of out-of-scope queries.  Traffic with seasons and bursts is not simulated here.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import Results
from domain.settings import EmbedderSettings
from embedders.app import build
from monitors.reference import QUANTILES, Reference
from monitors.sr import ExceedanceSR, upper_bound

BASELINE = 2000
NEVER = sys.maxsize


def first_alarms(bounds: Any, events: Any, threshold: float, *, per_stream: int = 1) -> Any:
    """The number of the observation at which each stream first alarms; NEVER where none does.

    `bounds` has a row for each rate, `per_stream` of them in turn belong to one stream; `events(n)` gives the booleans
    of observation n, or None at the end.
    """
    process = ExceedanceSR(bounds)
    first = np.full(len(bounds) // per_stream, NEVER)
    number = 0
    while (row := events(number)) is not None:
        number += 1
        process.update(row)
        statistics = np.asarray(process.values()).reshape(len(first), -1).mean(1)
        first[(statistics > threshold) & (first == NEVER)] = number
        if (first < NEVER).all():
            break
    return first


def coins(rng: Any, streams: int, rate: float, length: int) -> Any:
    """Independent events of one rate."""
    return lambda n: rng.random(streams) < rate if n < length else None


def agreement(results: Results, *, streams: int, length: int) -> None:
    """False alarms at 95 % agreement, and delays of falls from it, at A = 10^6 pairs."""
    rng = np.random.default_rng(1)
    bounds = upper_bound(rng.binomial(BASELINE, 0.05, streams), BASELINE)
    first = first_alarms(bounds, coins(rng, streams, 0.05, length), 1e6)
    exposure = np.minimum(first, length).sum()
    rate = float((first < NEVER).sum() / exposure * 1e6)
    results.add(
        "agreement iid A=1e6", "false alarms per 10^6 pairs", rate, "alarms", target="<= 0.2", n=int(exposure), seed=1
    )
    for share, target in ((0.90, ""), (0.85, "<= 190"), (0.80, "")):
        delays = first_alarms(bounds, coins(rng, streams, 1 - share, 100_000), 1e6)
        case = f"agreement 95 -> {share:.0%}"
        results.add(case, "median delay", float(np.median(delays)), "pairs", target=target, n=streams, seed=1)
        results.add(case, "95th percentile", float(np.quantile(delays, 0.95)), "pairs", n=streams, seed=1)


def novelty(results: Results, *, streams: int) -> None:
    """Share of streams of A inputs with a false alarm; a mean of A inputs between alarms allows 63 %."""
    rng, length = np.random.default_rng(2), 20_000
    thresholds = np.quantile(rng.random((BASELINE, streams)), QUANTILES, axis=0).T
    bounds = np.tile(upper_bound(np.round(BASELINE * (1 - np.array(QUANTILES))).astype(int), BASELINE), streams)

    def events(n: int) -> Any:
        return (rng.random(streams)[:, None] > thresholds).reshape(-1) if n < length else None

    first = first_alarms(bounds, events, float(length), per_stream=len(QUANTILES))
    share = float((first < NEVER).mean())
    results.add(
        "novelty iid A=2e4", "streams of A inputs that alarm", share, "share", target="<= 0.63", n=streams, seed=2
    )


def clinc(results: Results, folder: Path, *, draws: int) -> None:
    """Delays on CLINC150 by share of out-of-scope queries; A = 2 x 10^4 inputs, references of 2,000."""
    parts = json.loads((folder / "clinc150/data_full.json").read_text(encoding="utf-8"))
    rng = np.random.default_rng(3)
    inside = [text for part in ("train", "val", "test") for text, _ in parts[part]]
    inside = [inside[index] for index in rng.permutation(len(inside))[:10_000]]
    outside = [text for part in ("oos_train", "oos_val", "oos_test") for text, _ in parts[part]]
    embedder = build(EmbedderSettings())
    known, strange = embedder.embed(inside), embedder.embed(outside)
    delays: dict[float, list[int]] = {0.05: [], 0.2: [], 0.5: []}
    alarms, seen = 0, 0
    for _ in range(draws):
        order = rng.permutation(len(known))
        reference = Reference(known[order[:BASELINE]], embedder=embedder.name, sha256=embedder.sha256)
        usual, new = reference.novelty(known[order[BASELINE:]]), reference.novelty(strange)
        first = _streams(rng, reference, usual, new, 0.0, length=20_000)
        alarms, seen = alarms + int((first < NEVER).sum()), seen + int(np.minimum(first, 20_000).sum())
        for share in delays:
            delays[share] += _streams(rng, reference, usual, new, share, length=10_000).tolist()
    results.add(
        "novelty CLINC150 in-scope",
        "false alarms per 10^4 inputs",
        alarms / seen * 1e4,
        "alarms",
        target="<= 0.5",
        n=seen,
        seed=3,
    )
    for share, target in ((0.05, "<= 560"), (0.2, "<= 55"), (0.5, "<= 15")):
        found = delays[share]
        case = f"novelty CLINC150 oos {share:.0%}"
        results.add(case, "median delay", float(np.median(found)), "inputs", target=target, n=len(found), seed=3)


def _streams(
    rng: Any, reference: Reference, usual: Any, new: Any, share: float, *, length: int, streams: int = 20
) -> Any:
    def events(n: int) -> Any:
        if n >= length:
            return None
        strange = rng.random(streams) < share
        values = np.where(strange, rng.choice(new, streams), rng.choice(usual, streams))
        return (values[:, None] > reference.thresholds).reshape(-1)

    return first_alarms(np.tile(reference.bounds, streams), events, 2e4, per_stream=len(QUANTILES))


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.signals", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with clinc150; without it only simulations run")
    parser.add_argument("--quick", action="store_true", help="a tenth of the streams")
    options = parser.parse_args()
    results, factor = Results("signals"), 1 if options.quick else 10
    agreement(results, streams=40 * factor, length=100_000)
    novelty(results, streams=30 * factor)
    if options.data:
        clinc(results, options.data, draws=1 if options.quick else 5)
    results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())

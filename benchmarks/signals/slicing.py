"""Are slices named rightly, and how long does it take?  Simulated with fixed seeds."""

from __future__ import annotations

import math
import time

import numpy as np

from benchmarks.results import Results
from domain.records import Arm, Exchange, Pair, PairState, Stratum
from monitors.slices import Slice, SliceAgreement, compare, of_pair

_SEED = 41


def measure(results: Results, *, runs: int) -> None:
    """How often slices are named that are no worse, how often the worse are found, and the time for 20,000 pairs."""
    rng = np.random.default_rng(_SEED)
    named = [any(each.worse for each in _named(rng, bad=0)) for _ in range(runs)]
    case = "slices, 1,500 pairs, none is worse"
    results.add(case, "runs with a false name", float(np.mean(named)), "share", target="<= 0.1", n=runs, seed=_SEED)
    false, caught = [], 0
    worse = {("label", str(number)) for number in range(3)}
    for _ in range(runs):
        found = {(each.dimension, each.value) for each in _named(rng, bad=3) if each.worse}
        false.append(len(found - worse) / max(len(found), 1))
        caught += len(found & worse)
    case = "slices, 3 of 20 labels at 70 % for 95 %"
    results.add(case, "false discoveries", float(np.mean(false)), "share", target="<= 0.1", n=runs, seed=_SEED)
    results.add(case, "found", caught / (3 * runs), "share", n=3 * runs, seed=_SEED)
    pairs = [(_pair(n, agreed=n % 20 > 0, probability=0.02, label=n % 77), exchange(n)) for n in range(20_000)]
    began = time.perf_counter()
    rows = [(pair, of_pair(pair, exchange, labels=frozenset(map(str, range(77))))) for pair, exchange in pairs]
    cut = time.perf_counter()
    compare(rows)
    results.add("slices, 20,000 pairs", "to tell their slices", cut - began, "s", n=20_000)
    results.add("slices, 20,000 pairs", "to compare", time.perf_counter() - cut, "s", target="<= 1", n=20_000)


def _named(rng: np.random.Generator, *, bad: int) -> list[SliceAgreement]:
    """20 labels; clusters and tenants of unequal size, and languages nested in tenants, which have no effect."""
    size = 1500
    drawn = {"label": rng.integers(20, size=size), "cluster": rng.geometric(0.1, size), "tenant": rng.zipf(1.6, size)}
    drawn["language"] = drawn["tenant"] % 4
    agreed = rng.random(size) < np.where(drawn["label"] < bad, 0.70, 0.95)
    chances = rng.choice([0.02, 0.1], size).tolist()
    columns = {name: values.tolist() for name, values in drawn.items()}
    rows = []
    for number in range(size):
        names = [Slice(dimension, str(values[number])) for dimension, values in columns.items()]
        rows.append((_pair(number, agreed=bool(agreed[number]), probability=chances[number]), names))
    return compare(rows)


def _pair(number: int, *, agreed: bool, probability: float, label: int = 0) -> Pair:
    return Pair(
        exchange_id=str(number),
        task="t",
        model="v1",
        stratum=Stratum.ORDINARY,
        probability=probability,
        state=PairState.PAIRED,
        opened_at=float(number),
        teacher_answer=str(label),
        agreed=agreed,
        cluster=number % 20,
        tenant=f"tenant-{math.isqrt(number) % 50}",
    )


def exchange(number: int) -> Exchange:
    """One of many alike."""
    return Exchange(
        id=str(number),
        task="t",
        at=float(number),
        arm=Arm.CHAMPION,
        model="v1",
        draw=0.0,
        journal_rate=1.0,
        request=b"{}",
        input_text=f"I have not received order {number}, can you tell me where it is and when it will come?",
        output_text="",
        status=200,
        usable=True,
    )

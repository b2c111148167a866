"""The windowed detectors on real texts: intents with seasons, users and batches, through the real embedder.

Up to 2,000 texts of a data set are the reference: their vectors, their novelty quantiles and 30 clusters of them.
Traffic is drawn from others, so no live text is its own neighbour.  Each text is embedded once.  New topics are texts
of another origin: out-of-scope queries of CLINC150 among its in-scope ones, CLINC150 among Banking77, and the reverse.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.drifts import NONE, Drift
from benchmarks.signals.intensity import intensity
from benchmarks.signals.monitored import NOVELTY, SHARES, monitor
from benchmarks.signals.people import batches, converse
from benchmarks.signals.scenarios import HOURS, MEDIUM, MONITORED_DAYS, REAL, REFERENCE_DAYS, Volume
from benchmarks.signals.simulator import Counts, hourly
from benchmarks.signals.stream import Stream
from domain.settings import EmbedderSettings
from embedders.app import build
from monitors.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.results import Results
    from domain.ports import Embedder

SEED = 300_000
CLUSTERS = 30
_REFERENCE = 2000
_POOL, _QUICK_POOL = 8000, 4000
_DELAY_DAYS = 30
_SHARES = (0.05, 0.2, 0.5)
_BRANDS = ("banking77", "clinc150", "clinc150 out-of-scope")

Texts = list[tuple[str, str]]  # text, intent


def read(folder: Path) -> dict[str, Texts]:
    """The texts of both data sets, in their own order."""
    found: dict[str, Texts] = {"banking77": []}
    for part in ("train", "test"):
        with (folder / f"banking77/{part}.csv").open(encoding="utf-8", newline="") as lines:
            found["banking77"] += [(row["text"], row["category"]) for row in csv.DictReader(lines)]
    parts = json.loads((folder / "clinc150/data_full.json").read_text(encoding="utf-8"))
    found["clinc150"] = [(text, intent) for part in ("train", "val", "test") for text, intent in parts[part]]
    strange = [(text, intent) for part in ("oos_train", "oos_val", "oos_test") for text, intent in parts[part]]
    found["clinc150 out-of-scope"] = strange
    return found


@dataclass(frozen=True)
class Known:
    """What the monitors make of a pool of texts: cluster and exceeded levels of each, and its texts by intent."""

    cluster: NDArray[np.int64]
    level: NDArray[np.int64]
    by_intent: Sequence[NDArray[np.int64]]

    def draw(self, intent: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A text of each intent, by its number."""
        sizes = np.array([len(texts) for texts in self.by_intent])
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        at = first[intent] + (rng.random(len(intent)) * sizes[intent]).astype(int)
        return np.asarray(np.concatenate(self.by_intent)[at])


class World:
    """A data set's texts as traffic, and others as what may come."""

    def __init__(self, known: Texts, strange: Texts, embedder: Embedder, *, pool: int) -> None:
        """Embeds up to `pool` known texts and up to half as many strange ones."""
        from sklearn.cluster import KMeans

        rng = np.random.default_rng(SEED)
        known = [known[i] for i in rng.permutation(len(known))[:pool]]
        strange = [strange[i] for i in rng.permutation(len(strange))[: pool // 2]]
        vectors = embedder.embed([text for text, _ in known])
        half = min(len(known) // 2, _REFERENCE)
        self._reference = Reference(vectors[:half], embedder=embedder.name, sha256=embedder.sha256)
        self._clusters = KMeans(CLUSTERS, n_init=3, random_state=0).fit(vectors[:half])
        self.known = self._seen(vectors[half:], [intent for _, intent in known[half:]])
        self.strange = self._seen(embedder.embed([text for text, _ in strange]), ["any"] * len(strange))

    def _seen(self, vectors: NDArray[np.float32], intents: list[str]) -> Known:
        level = (self._reference.novelty(vectors)[:, None] > self._reference.thresholds).sum(1)
        each = np.array(intents)
        groups = [np.flatnonzero(each == intent) for intent in sorted(set(intents))]
        return Known(self._clusters.predict(vectors).astype(int), level, groups)

    def traffic(self, volume: Volume, *, days: int, seed: int, drift: Drift = NONE) -> Counts:
        """Hourly counts of one stream; its intents take the part that clusters have in the simulator."""
        scenario = replace(REAL, name="real texts", clusters=len(self.known.by_intent))
        stream = Stream.begin(scenario, volume, drift, days=days, seed=seed)
        rng = stream.rng
        expected = intensity(stream)[:, rng.permutation(scenario.clusters)]
        talks = converse(stream, expected).join(batches(stream))
        of = np.repeat(np.arange(len(talks.size)), talks.size)
        hour, intent = talks.hour[of], talks.cluster[of]
        text = self.known.draw(intent, rng)
        first = self.known.draw(talks.cluster, rng)
        text = np.where(talks.copies[of], first[of], text)
        new = drift.new(talks.hour, rng)[of]
        other = rng.integers(0, len(self.strange.level), len(of))
        cluster = np.where(new, self.strange.cluster[other], self.known.cluster[text])
        level = np.where(new, self.strange.level[other], self.known.level[text])
        cell, hours = hour * CLUSTERS + cluster, stream.hours
        inputs = hourly(cell, hours, CLUSTERS)
        exceeded = np.stack([hourly(cell[level > number], hours, CLUSTERS) for number in range(4)], axis=-1)
        return Counts(inputs, exceeded, np.zeros_like(inputs), np.zeros_like(inputs))


def measure(results: Results, data: Path, *, quick: bool) -> None:
    """False alarms without drift and delays of new topics; progress on stderr."""
    texts, embedder = read(data), build(EmbedderSettings())
    began = time.monotonic()
    pairs = ((1, 2),) if quick else ((1, 2), (0, 1), (1, 0))
    for usual, strange in pairs:
        pool = _QUICK_POOL if quick else _POOL
        world = World(texts[_BRANDS[usual]], texts[_BRANDS[strange]], embedder, pool=pool)
        case = f"real texts, {_BRANDS[usual]}"
        _false_alarms(results, world, case, streams=8 if quick else 60)
        for share in _SHARES:
            case = f"real texts, {_BRANDS[usual]} -> {share:.0%} {_BRANDS[strange]}"
            _delays(results, world, case, share, streams=8 if quick else 40)
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {_BRANDS[usual]} -> {_BRANDS[strange]}\n")


def _false_alarms(results: Results, world: World, case: str, *, streams: int) -> None:
    days = REFERENCE_DAYS + MONITORED_DAYS
    counts = Counts.stack([world.traffic(MEDIUM, days=days, seed=SEED + n) for n in range(streams)])
    months = streams * MONITORED_DAYS / 30
    alarms = {family: hours.sum() / months for family, hours in monitor(counts, families=(NOVELTY, SHARES)).items()}
    results.add(case, "false alarms in 30 days", sum(alarms.values()), "alarms", target="<= 0.3", n=streams, seed=SEED)
    for family, value in alarms.items():
        results.add(case, f"of these {family}", float(value), "alarms", n=streams, seed=SEED)


def _delays(results: Results, world: World, case: str, share: float, *, streams: int) -> None:
    onset = (REFERENCE_DAYS + 5) * HOURS
    drift = Drift(topic=share, onset=onset)
    days = onset // HOURS + _DELAY_DAYS
    counts = Counts.stack([world.traffic(MEDIUM, days=days, seed=SEED + 1000 + n, drift=drift) for n in range(streams)])
    alarms = np.any(list(monitor(counts, families=(NOVELTY, SHARES)).values()), axis=0)
    later = alarms[:, onset - REFERENCE_DAYS * HOURS :]
    found = np.where(later.any(1), later.argmax(1) + 1, _DELAY_DAYS * HOURS)
    results.add(case, "median delay", float(np.median(found)), "h", n=streams, seed=SEED)
    results.add(case, "95th percentile", float(np.quantile(found, 0.95)), "h", n=streams, seed=SEED)
    results.add(case, "missed in 30 days", float((~later.any(1)).mean()), "share", n=streams, seed=SEED)

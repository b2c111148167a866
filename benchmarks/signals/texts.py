"""The per-sample detectors of inputs on real texts: false alarms per budget, and delays by the share that has changed.

DIR has `banking77`, `clinc150` and `snips`.  Texts are embedded once.  Each draw has its own reference; the traffic
comes from the texts that are left, so that the luck of the reference counts.  Inputs are independent of each other.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.policies import corpus
from benchmarks.signals.per_sample import A_INPUTS, NEVER, delays
from domain.settings import EmbedderSettings
from embedders.app import build
from monitors.category_sr import CategorySR
from monitors.detectors import novelty as novelty_detector
from monitors.detectors import shares as share_detector
from monitors.reference import Reference

if TYPE_CHECKING:
    from benchmarks.results import Results

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LONGEST = 6_000  # inputs after a change
QUIET = 20_000  # inputs without one: as many as the budget promises to a false alarm
SIZES = {2000: SHARES, 5000: (0.05, 0.2, 0.5)}  # of the reference, and what is measured with it
MAIN, QUICK = 2000, 500
TEXTS, FEW = 12_000, 900  # of each data set
INTENTS = 10  # that take a share of the traffic in a change of mix
CLINC, BANKING = "CLINC150", "Banking77"
OUT_OF_SCOPE, DOMAIN, SNIPS, MIX = (
    "CLINC150 -> oos",
    "Banking77 -> CLINC150",
    "Banking77 -> SNIPS",
    "Banking77 intent mix",
)
_TARGETS = {(OUT_OF_SCOPE, 0.05): "<= 560", (OUT_OF_SCOPE, 0.2): "<= 55", (OUT_OF_SCOPE, 0.5): "<= 15"}
_TARGETS |= {(MIX, 0.2): "<= 3584", (MIX, 0.5): "<= 606", (MIX, 1.0): "<= 162"}  # of cluster shares before


@dataclass(frozen=True)
class Texts:
    """Vectors of the texts; `intents` numbers those of Banking77."""

    banking: Any
    intents: Any
    clinc: Any
    out_of_scope: Any
    snips: Any


@dataclass(frozen=True)
class Draw:
    """A reference, ordinary traffic that is not in it, and what may take its place: rows of vectors."""

    rng: Any
    reference: Reference
    counts: dict[str, Any]  # of the reference, how many inputs have each category, for each detector
    usual: Any
    changes: dict[str, Any]
    labels: Any  # of `usual` and then of the change of mix; None where there are none
    known: dict[str | None, Any] = field(default_factory=dict)  # novelty and clusters, once asked for

    @property
    def size(self) -> int:
        """How many inputs the reference has."""
        return len(self.reference.vectors)

    def rows(self, change: str | None, share: float, shape: tuple[int, ...]) -> Any:
        """Numbers of texts of `vectors(change)`, the given share of them from the change."""
        count = len(self.usual)
        drawn = self.rng.integers(count, size=shape)
        if change is None:
            return drawn
        new = count + self.rng.integers(len(self.changes[change]), size=shape)
        return np.where(self.rng.random(shape) < share, new, drawn)

    def vectors(self, change: str | None) -> Any:
        """The ordinary texts, followed by those of a change."""
        return self.usual if change is None else np.vstack([self.usual, self.changes[change]])

    def observe(self, change: str | None, rows: Any) -> dict[str, Any]:
        """What each detector hears of these texts: the category of each."""
        novelty, clusters = self._seen(change)
        heard = {"novelty": (novelty[rows][..., None] > self.reference.thresholds).sum(-1), "clusters": clusters[rows]}
        return heard | {"labels": self.labels[rows]} if self.labels is not None and change in (None, MIX) else heard

    def novelty(self, change: str | None) -> Any:
        """The novelty of each of `vectors(change)`."""
        return self._seen(change)[0]

    def _seen(self, change: str | None) -> tuple[Any, Any]:
        if change not in self.known:
            vectors = self.vectors(change)
            self.known[change] = self.reference.novelty(vectors), self.reference.cluster(vectors)
        return self.known[change]


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Novelty, cluster shares, label shares, and the first two under one budget."""
    if data is None:
        return
    draws, streams = (2, 5) if quick else (8, 15)
    texts = embedded(data, FEW if quick else TEXTS)
    for size, shares in ({QUICK: SHARES} if quick else SIZES).items():
        for known in (CLINC, BANKING):
            _quiet(results, known, draw_all(texts, known, size, draws, seed=211), streams=streams)
            _changed(results, draw_all(texts, known, size, draws, seed=212), shares, streams=streams)


@functools.cache
def embedded(data: Path, most: int) -> Texts:
    """At most so many texts of each data set, through the default embedder."""
    rng = np.random.default_rng(200)
    embedder = build(EmbedderSettings())

    def some(rows: Sequence[Any]) -> list[Any]:
        return [rows[index] for index in rng.permutation(len(rows))[:most]]

    banking = some(corpus.banking77(data, "train") + corpus.banking77(data, "test"))
    clinc = some(corpus.clinc150(data, "train", "val", "test"))
    strange = some(corpus.clinc150(data, "oos_train", "oos_val", "oos_test"))
    orders = some(corpus.snips(data, most=300))
    return Texts(
        embedder.embed([text for text, _ in banking]),
        np.unique([intent for _, intent in banking], return_inverse=True)[1],
        embedder.embed([text for text, _ in clinc]),
        embedder.embed([text for text, _ in strange]),
        embedder.embed([each.text for each in orders]),
    )


def draw_all(texts: Texts, known: str, size: int, draws: int, *, seed: int) -> list[Draw]:
    """References of one data set with what may change."""
    rngs = [np.random.default_rng((seed, number)) for number in range(draws)]
    if known == CLINC:
        return [_draw(rng, texts.clinc, None, size, {OUT_OF_SCOPE: texts.out_of_scope}) for rng in rngs]
    changes = {DOMAIN: texts.clinc, SNIPS: texts.snips}
    return [_draw(rng, texts.banking, texts.intents, size, changes) for rng in rngs]


def _draw(rng: Any, vectors: Any, intents: Any, size: int, changes: dict[str, Any]) -> Draw:
    order = rng.permutation(len(vectors))
    chosen, left = order[:size], order[size:]
    reference = Reference(vectors[chosen], embedder="minilm", sha256="of the benchmark")
    counts = {"novelty": reference.levels, "clusters": reference.sizes}
    if intents is None:
        return Draw(rng, reference, counts, vectors[left], changes, None)
    most = intents.max() + 1
    some = left[np.isin(intents[left], rng.choice(most, INTENTS, replace=False))]
    counts["labels"] = np.bincount(intents[chosen], minlength=most)
    labels = np.concatenate([intents[left], intents[some]])
    return Draw(rng, reference, counts, vectors[left], changes | {MIX: vectors[some]}, labels)


def _quiet(results: Results, known: str, draws: list[Draw], *, streams: int) -> None:
    for name, first in _ours(draws, None, 0.0, streams=streams, length=QUIET).items():
        inputs = int(np.minimum(first, QUIET).sum())
        rate = float((first < NEVER).sum() / inputs * 1e4)
        case = f"{known} unchanged, {name}, reference {draws[0].size:,}"
        results.add(case, "false alarms per 10^4 inputs", rate, "alarms", target="<= 0.5", n=inputs, seed=211)


def _changed(results: Results, draws: list[Draw], shares: Sequence[float], *, streams: int) -> None:
    size = draws[0].size
    for change, share in itertools.product(draws[0].changes, shares):
        wanted = "clusters" if change == MIX else "novelty"
        for name, first in _ours(draws, change, share, streams=streams, length=LONGEST).items():
            target = _TARGETS.get((change, share), "") if name == wanted and size == MAIN else ""
            case = f"{change} {share:.0%}, {name}, reference {size:,}"
            delays(results, case, first, "inputs", target=target, seed=212, length=LONGEST)


def _ours(draws: list[Draw], change: str | None, share: float, *, streams: int, length: int) -> dict[str, Any]:
    """First alarms of each detector with a budget of its own, and of the first two with half of it each."""
    told = [draw.observe(change, draw.rows(change, share, (length, streams))) for draw in draws]
    firsts = {
        name: _first_alarms(_process(name, draws, streams), np.hstack([each[name] for each in told]))
        for name in told[0]
    }
    return {name: first[0] for name, first in firsts.items()} | {
        "novelty + clusters": np.minimum(firsts["novelty"][1], firsts["clusters"][1])
    }


def _process(name: str, draws: list[Draw], streams: int) -> CategorySR:
    counts = np.repeat([draw.counts[name] for draw in draws], streams, axis=0)
    if name == "novelty":
        return CategorySR(counts, novelty_detector.alternatives(draws[0].counts[name]))
    return CategorySR(share_detector.TRUST * counts, share_detector.alternatives(counts.shape[1]))


def _first_alarms(process: CategorySR, rows: Any) -> Any:
    """First alarms at A and at 2 A of one process: two that have half of a budget alarm at 2 A."""
    thresholds = np.array([[A_INPUTS], [2 * A_INPUTS]])
    first = np.full((2, rows.shape[1]), NEVER)
    for number, row in enumerate(rows, 1):
        process.update(row)
        first[(process.statistics > thresholds) & (first == NEVER)] = number
        if number % 16 == 0 and (first < NEVER).all():
            break
    return first

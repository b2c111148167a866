"""Do the intervals of agreement hold, are slices named rightly, and what does it cost to compare two answers?

All of it is simulated with fixed seeds.  An interval is held against the mean of the traffic that was seen, sampled or
not, at 30 looks from the 20th pair on, evenly on a logarithmic scale.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.results import Results
from benchmarks.signals import comparers, slicing
from monitors.agreement import wilson
from monitors.confidence import ConfidenceSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 0.02  # the smallest rate of all schemes
_INPUTS = 20_000  # of a path
_FIRST = 20  # pairs before the first look
_LOOKS = 30
_SEED = 41


class Traffic(NamedTuple):
    """Scores of all inputs in order, and the probability with which the teacher is asked about each."""

    scores: NDArray[np.float64]
    chances: NDArray[np.float64]


def uniform(rng: np.random.Generator) -> Traffic:
    """Independent inputs, 95 % agree, all sampled alike."""
    return Traffic((rng.random(_INPUTS) < 0.95).astype(float), np.full(_INPUTS, _LEAST))


def stratified(rng: np.random.Generator) -> Traffic:
    """A tenth is novel, agrees half of the time and is asked ten times as often."""
    novel = rng.random(_INPUTS) < 0.1
    scores = rng.random(_INPUTS) < np.where(novel, 0.5, 0.95)
    return Traffic(scores.astype(float), np.where(novel, 10 * _LEAST, _LEAST))


def paced(rng: np.random.Generator) -> Traffic:
    """Stratified at twice the rates, and thinned by up to a half as a day's money runs out."""
    scores, chances = stratified(rng)
    day = np.arange(_INPUTS) % 5000 / 5000
    return Traffic(scores, 2 * chances * (1 - 0.5 * day))


def graded(rng: np.random.Generator) -> Traffic:
    """Scores between 0 and 1, such as a judge's or the F1 of fields; two rates."""
    return Traffic(rng.beta(8, 1, _INPUTS), np.where(rng.random(_INPUTS) < 0.1, 10 * _LEAST, _LEAST))


def bursts(rng: np.random.Generator) -> Traffic:
    """Stratified; inputs come again, 30 times on average, with the same answer."""
    scores, chances = stratified(rng)
    which = np.repeat(np.arange(_INPUTS), rng.geometric(1 / 30, _INPUTS))[:_INPUTS]
    return Traffic(scores[which], chances[which])


def declining(rng: np.random.Generator) -> Traffic:
    """Bursts of a student that falls from 97 % to 85 %."""
    which = np.repeat(np.arange(_INPUTS), rng.geometric(1 / 30, _INPUTS))[:_INPUTS]
    scores = rng.random(_INPUTS) < np.linspace(0.97, 0.85, _INPUTS)
    first = np.concatenate([[0], np.flatnonzero(np.diff(which)) + 1])
    return Traffic(scores[first][which - which[0]].astype(float), np.full(_INPUTS, _LEAST))


SCHEMES: tuple[Callable[[np.random.Generator], Traffic], ...] = (uniform, stratified, paced, graded, bursts, declining)


class Kept(NamedTuple):
    """Whether the intervals of one path held: the anytime one always and at the end, Wilson's likewise."""

    always: bool
    end: bool
    single_always: bool
    single_end: bool
    ratio: float  # of the widths at the end


def path(rng: np.random.Generator, scheme: Callable[[np.random.Generator], Traffic]) -> Kept:
    """One path, looked at again and again."""
    scores, chances = scheme(rng)
    asked = np.flatnonzero(rng.random(_INPUTS) < chances)
    truths = np.cumsum(scores) / np.arange(1, _INPUTS + 1)
    sequence, done = ConfidenceSequence(_LEAST), 0
    kept: list[tuple[bool, bool]] = []
    width = single = 0.0
    for look in np.unique(np.geomspace(_FIRST, len(asked), _LOOKS).astype(int)):
        new = asked[done:look]
        sequence.update(scores[new].tolist(), chances[new].tolist())
        done, truth = look, truths[asked[look - 1]]
        weights = 1 / chances[asked[:look]]
        share = float(weights @ scores[asked[:look]] / weights.sum())
        both = sequence.interval(), wilson(share, float(weights.sum() ** 2 / (weights**2).sum()))
        kept.append((both[0][0] <= truth <= both[0][1], both[1][0] <= truth <= both[1][1]))
        width, single = (upper - lower for lower, upper in both)
    always, single_always = (all(each) for each in zip(*kept, strict=True))
    return Kept(always, kept[-1][0], single_always, kept[-1][1], width / single)


def intervals(results: Results, *, paths: int) -> None:
    """Coverage of the anytime interval and of Wilson's, for each way of sampling; progress on stderr."""
    rng, began = np.random.default_rng(_SEED), time.monotonic()
    for scheme in SCHEMES:
        found = [path(rng, scheme) for _ in range(paths)]
        means = Kept(*np.array(found, float).mean(0).tolist())
        case = f"agreement interval, {scheme.__name__}"
        for metric, value, target in (
            ("anytime: holds at all looks", means.always, ">= 0.95"),
            ("anytime: holds at the last look", means.end, ">= 0.95"),
            ("Wilson: holds at all looks", means.single_always, ""),
            ("Wilson: holds at the last look", means.single_end, ""),
            ("width, anytime over Wilson", means.ratio, ""),
        ):
            unit = "times" if metric.startswith("width") else "share"
            results.add(case, metric, value, unit, target=target, n=paths, seed=_SEED)
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {case}\n")


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add all figures; no data is needed."""
    del data
    intervals(results, paths=40 if quick else 1000)
    slicing.measure(results, runs=10 if quick else 200)
    comparers.measure(results, quick=quick)

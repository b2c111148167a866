"""Other people's detectors on the observations of `per_sample` and `texts`: what ours must beat, at which false alarms.

None of them states a budget, so each is run as it is commonly set.  Page-Hinkley is that of river, the tests of windows
are Evidently's own classes with their default thresholds.  As some learn what is usual from the stream, a change comes
after 1,000 ordinary observations, at the beginning of a window; alarms before it are not counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.signals.per_sample import A_INPUTS, AGREED, ITEMS, NEVER, delays
from benchmarks.signals.texts import (
    BANKING,
    CLINC,
    FEW,
    LONGEST,
    MAIN,
    QUICK,
    QUIET,
    SHARES,
    TEXTS,
    Draw,
    draw_all,
    embedded,
)
from domain.ports import Detector, Observation
from monitors.detectors.every_n import EveryN
from monitors.detectors.evidently_windows import METHODS, EvidentlyWindows
from monitors.detectors.mann_whitney import RepeatedMannWhitney
from monitors.detectors.none import NoDetector
from monitors.detectors.page_hinkley import PageHinkley
from monitors.detectors.rolling import RollingThreshold
from monitors.reference import FLAGGED, Reference

if TYPE_CHECKING:
    from benchmarks.results import Results

SEED = 221
WINDOW = 250
LOOKS = 6  # windows after a change
USUAL = 1000  # observations before it
AGREEMENT = {"95 -> 90 %": 0.10, "95 -> 85 %": 0.15, "95 -> 80 %": 0.20}

Make = Callable[[Reference], Detector]
FLAGS: dict[str, Make] = {  # of flagged inputs, of which the reference has 5 %
    "rolling 200, 10 % flagged": lambda _: RollingThreshold(0.10, window=200),
    "Page-Hinkley, defaults": lambda _: PageHinkley(),
    "Page-Hinkley, 0.02 and 20": lambda _: PageHinkley(delta=0.02, limit=20.0),
}
NOVELTIES: dict[str, Make] = {
    f"Mann-Whitney p < {level:g}": lambda reference, level=level: RepeatedMannWhitney(  # type: ignore[misc]
        reference.own_novelty, level=level, window=WINDOW
    )
    for level in (0.05, 0.001)
}


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Agreement is simulated; the rest needs the texts."""
    floor(results)
    agreement(results, streams=4 if quick else 40, length=5_000 if quick else 25_000)
    if data is None:
        return
    texts = embedded(data, FEW if quick else TEXTS)
    for known in (CLINC, BANKING):
        draws = draw_all(texts, known, QUICK if quick else MAIN, 1 if quick else 5, seed=SEED)
        inputs(results, known, draws, streams=2 if quick else 6)
        windows(results, known, draws, looks=4 if quick else 20, shares=(0.2, 1.0) if quick else SHARES)


def first_alarm(detector: Detector, values: Any, *, before: int = 0) -> int:
    """The number of the observation that first alarms after so many others, or NEVER."""
    for number, value in enumerate(values, 1 - before):
        alarm = detector.update(Observation(at=0.0, counts=(float(value),))).alarm
        if alarm and number > 0:
            return number
    return NEVER


def floor(results: Results) -> None:
    """What knows nothing of the data: one alarm every A inputs, at a random time of a change, and none."""
    rng, n = np.random.default_rng(SEED), int(A_INPUTS)
    found = []
    for phase in rng.integers(n, size=20):
        detector = EveryN(n)
        detector.restore(str(phase).encode())
        found.append(first_alarm(detector, np.zeros(n)))
    delays(results, "any change, always", np.array(found), "inputs", seed=SEED, length=n)
    delays(
        results, "any change, never", np.array([first_alarm(NoDetector(), np.ones(n))]), "inputs", seed=SEED, length=n
    )


def agreement(results: Results, *, streams: int, length: int) -> None:
    """A baseline of 2,000 held-out items for each stream, as for ours."""
    rng = np.random.default_rng(SEED)
    makes: dict[str, Callable[[float], Detector]] = {
        "rolling 200, 5 points": lambda rate: RollingThreshold(rate + 0.05, window=200),
        "rolling 500, 5 points": lambda rate: RollingThreshold(rate + 0.05, window=500),
        "Page-Hinkley, defaults": lambda _: PageHinkley(),
        "Page-Hinkley, 0.02 and 20": lambda _: PageHinkley(delta=0.02, limit=20.0),
    }
    for name, make in makes.items():

        def firsts(rate: float, count: int, longest: int, make: Callable[[float], Detector] = make) -> Any:
            rates = np.repeat([1 - AGREED, rate], [USUAL, longest])
            held = rng.binomial(ITEMS, 1 - AGREED, count) / ITEMS
            return np.array([first_alarm(make(each), rng.random(len(rates)) < rates, before=USUAL) for each in held])

        _alarm_rate(
            results, f"agreement of {AGREED:.0%}, {name}", firsts(1 - AGREED, streams, length), length, 1e6, "pairs"
        )
        for fall, rate in AGREEMENT.items():
            delays(
                results, f"agreement {fall}, {name}", firsts(rate, 2 * streams, 5_000), "pairs", seed=SEED, length=5_000
            )


def inputs(results: Results, known: str, draws: list[Draw], *, streams: int) -> None:
    """Detectors that hear of each input."""
    for name, make in (FLAGS | NOVELTIES).items():

        def firsts(change: str | None, share: float, length: int, name: str = name, make: Make = make) -> Any:
            return np.array(
                [
                    first_alarm(make(draw.reference), _values(draw, change, share, length, name in FLAGS), before=USUAL)
                    for draw in draws
                    for _ in range(streams)
                ]
            )

        _alarm_rate(results, f"{known} unchanged, {name}", firsts(None, 0.0, QUIET), QUIET, 1e4, "inputs")
        for change, share in itertools.product(draws[0].changes, SHARES):
            found = firsts(change, share, LONGEST)
            delays(results, f"{change} {share:.0%}, {name}", found, "inputs", seed=SEED, length=LONGEST, tail=False)


def _values(draw: Draw, change: str | None, share: float, length: int, flags: bool) -> Any:
    rows = np.concatenate([draw.rows(None, 0.0, (USUAL,)), draw.rows(change, share, (length,))])
    if flags:
        return draw.observe(change, rows)["novelty"] > FLAGGED
    return draw.novelty(change)[rows]


def windows(results: Results, known: str, draws: list[Draw], *, looks: int, shares: tuple[float, ...]) -> None:
    """Evidently's tests, once for each window of 250."""
    for method in METHODS:
        tests = [(draw, EvidentlyWindows(draw.reference.vectors, method)) for draw in draws]
        alarms = sum(
            test.look(draw.vectors(None)[draw.rows(None, 0.0, (WINDOW,))]).alarm
            for draw, test in tests
            for _ in range(looks)
        )
        seen = looks * WINDOW * len(draws)
        case = f"{known} unchanged, Evidently {method}"
        results.add(case, "false alarms per 10^4 inputs", alarms / seen * 1e4, "alarms", n=seen, seed=SEED)
        for change, share in itertools.product(draws[0].changes, shares):
            found = np.array([_first_window(draw, test, change, share) for draw, test in tests])
            case = f"{change} {share:.0%}, Evidently {method}"
            delays(results, case, found, "inputs", seed=SEED, length=LOOKS * WINDOW, tail=False)


def _first_window(draw: Draw, test: EvidentlyWindows, change: str, share: float) -> int:
    vectors = draw.vectors(change)
    for number in range(1, LOOKS + 1):
        if test.look(vectors[draw.rows(change, share, (WINDOW,))]).alarm:
            return number * WINDOW
    return NEVER


def _alarm_rate(results: Results, case: str, first: Any, length: int, per: float, what: str) -> None:
    seen = int(np.minimum(first, length).sum())
    rate = float((first < NEVER).sum() / seen * per)
    results.add(case, f"false alarms per 10^{round(np.log10(per))} {what}", rate, "alarms", n=seen, seed=SEED)

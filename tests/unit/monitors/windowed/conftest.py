from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


def literal_statistics(
    observed: Any,
    expected: Any,
    phi: Any,
    ratios: Any,
    weights: Any,
    *,
    phases: int,
    clip: tuple[float, float],
    eps: float,
    whole: float = 1.0,
    resets: Sequence[int] = (),
) -> list[float]:
    """CW-SR of one stream as the report tells it: every window is summed again from its hours, nothing is carried on.

    `observed`, `expected`: (H, J), the latter already at its upper bound; evidence is forgotten after hours `resets`.
    """
    starts = [24 - phase * (24 // phases) for phase in range(phases)]  # the first hour that begins a new window
    evidence: dict[tuple[int, int, int], float] = {}
    found = []
    for hour in range(len(observed)):
        total = 0.0
        for phase in range(phases):
            begun = max(
                [0, *(s for s in range(starts[phase] % 24, hour + 1, 24)), *(r + 1 for r in resets if r < hour)]
            )
            for j in range(observed.shape[1]):
                window = range(begun, hour + 1)
                e = sum(expected[h, j] for h in window)
                k = sum(min(observed[h, j], clip[0] * expected[h, j] + clip[1]) for h in window)
                for a, ratio in enumerate(ratios[j]):
                    likelihood = np.exp(_log_pmf(k, ratio * e, phi[j]) - _log_pmf(k, e, phi[j]))
                    capped = likelihood / (1 - eps + eps * likelihood)
                    g = (evidence.get((phase, j, a), 0.0) + min(e / whole, 1)) * capped
                    total += weights[j][a] * g / phases
                    if (hour + 1) % 24 == starts[phase] % 24:
                        evidence[phase, j, a] = g
        if hour in resets:
            evidence.clear()
        found.append(total)
    return found


def _log_pmf(k: float, mean: float, phi: float) -> float:
    """Negative binomial, without the term that the mean does not enter."""
    if mean == 0:
        return 0.0
    size = 1 / phi
    return float(k * np.log(mean / (size + mean)) + size * np.log(size / (size + mean)))


@dataclass
class Traffic:
    """Gamma-Poisson counts with a daily and a weekly season: (B, H, K[, 4])."""

    inputs: Any
    exceeded: Any
    pairs: Any
    disagreed: Any

    @property
    def hours(self) -> int:
        return int(self.inputs.shape[1])

    def days(self, name: str, first: int, last: int) -> Any:
        """Some days as (B, D, 24, ...)."""
        counts = getattr(self, name)[:, first * 24 : last * 24]
        return counts.reshape(len(counts), last - first, 24, *counts.shape[2:])


LEVELS = np.array([0.2, 0.1, 0.05, 0.01])
ERRORS = 0.06


def draw_traffic(
    rng: np.random.Generator,
    streams: int,
    days: int,
    *,
    clusters: int = 6,
    per_day: float = 2000.0,
    pairs_per_day: float = 200.0,
    phi: float = 0.02,
) -> Traffic:
    """Weekdays come first, days 5 and 6 are a weekend; novelty and errors differ by cluster, novelty also by hour."""
    hour, day = np.arange(days * 24) % 24, np.arange(days * 24) // 24
    weekend = (day % 7 >= 5)[:, None]
    share = 1 / np.arange(1, clusters + 1)
    shift = np.cos((hour[:, None] - np.arange(clusters) * 4) / 24 * 2 * np.pi)
    mix = share * np.exp(0.3 * shift + 0.2 * weekend * (-1.0) ** np.arange(clusters))
    mix /= mix.sum(1, keepdims=True)
    volume = per_day / 24 * (1 + 0.5 * np.cos((hour - 14) / 24 * 2 * np.pi)) * np.where(weekend[:, 0], 0.6, 1.0)

    def level(size: int) -> Any:
        by_day = rng.gamma(1 / phi, phi, (streams, days, size))
        return np.repeat(by_day, 24, axis=1)

    inputs = rng.poisson(volume[:, None] * mix * level(clusters))
    novel = (
        LEVELS
        * (1 + 0.3 * np.linspace(-1, 1, clusters))[:, None]
        * (1 + 0.2 * np.cos(hour / 24 * 2 * np.pi))[:, None, None]
    )
    highest = np.minimum(novel * level(1)[..., None], 0.9)
    exceeded = np.empty((*inputs.shape, 4), int)
    left = inputs
    before = np.ones_like(highest[..., 0])
    for number in range(4):
        exceeded[..., number] = rng.binomial(left, np.minimum(highest[..., number] / before, 1))
        left, before = exceeded[..., number], highest[..., number]
    pairs = rng.binomial(inputs, min(pairs_per_day / per_day, 1))
    wrong = ERRORS * np.linspace(0.5, 1.5, clusters) * level(1)
    return Traffic(inputs, exceeded, pairs, rng.binomial(pairs, np.minimum(wrong, 1)))


def weekend_days(days: int) -> Any:
    """Days 5 and 6 of every week."""
    return np.arange(days) % 7 >= 5


@pytest.fixture(scope="session")
def literal() -> Any:
    """The slow transcription of the statistic."""
    return literal_statistics


@pytest.fixture(scope="session")
def draw() -> Any:
    """The generator of traffic."""
    return draw_traffic


@pytest.fixture(scope="session")
def weekends() -> Any:
    """Which of the first days are weekend days."""
    return weekend_days

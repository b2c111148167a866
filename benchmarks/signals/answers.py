"""When the teacher's answers come, and where the student's differ: by cluster, user, conversation and novelty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.scenarios import HOURS, REFERENCE_DAYS, WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.people import Conversations
    from benchmarks.signals.stream import Stream

ERRORS = 0.055  # mean rate in the reference
_TALK, _NOVELTY = 1.0, 0.35  # weight of a conversation and of one sd of novelty in the log-odds
_SAMPLE = 20_000
_CLUMP = 0.2
_CLUMP_CLUSTERS = 0.1
_SILENCE_H = 12


def disagreements(
    stream: Stream,
    talks: Conversations,
    *,
    of: NDArray[np.int64],
    novelty: NDArray[np.float64],
    asked: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether student and teacher disagree on each asked request.

    `of` (the conversation) and `novelty` are those of all requests, `asked` the numbers of some.
    """
    traits, rng = stream.traits, stream.rng
    talk = _TALK * rng.standard_normal(len(talks.size)) * (talks.size > 1)
    by_talk = traits.errors[talks.cluster] + traits.user_errors[talks.user] + talk
    slope = _NOVELTY / novelty.std()
    reference = rng.choice(np.flatnonzero(talks.hour[of] < REFERENCE_DAYS * HOURS), _SAMPLE)
    level = _intercept(by_talk[of[reference]] + slope * novelty[reference])
    chosen = of[asked]
    own, common = rng.logistic(size=len(asked)), rng.logistic(size=len(talks.size))
    noise = np.where(talks.copies[chosen], common[chosen], own)
    wrong = level + by_talk[chosen] + slope * novelty[asked] + noise > 0
    hour, cluster = talks.hour[chosen], talks.cluster[chosen]
    extra = stream.drift.extra_errors(hour, cluster, traits)
    if stream.scenario.clumps:
        extra = np.maximum(extra, _clumps(stream)[hour, cluster])
    return np.asarray(wrong | (rng.random(len(asked)) < extra))


def _intercept(scores: NDArray[np.float64]) -> float:
    """The constant that makes the mean of the error probabilities what it should be, by bisection."""
    low, high = -20.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        rate = (1 / (1 + np.exp(-(scores + middle)))).mean()
        low, high = (middle, high) if rate < ERRORS else (low, middle)
    return (low + high) / 2


def _clumps(stream: Stream) -> NDArray[np.float64]:
    """Probability that the teacher errs although the student does not: (hours, clusters)."""
    scenario, rng = stream.scenario, stream.rng
    extra = np.zeros((stream.hours, scenario.clusters))
    for first in np.flatnonzero(rng.random(stream.hours) < scenario.clumps / HOURS):
        some = rng.random(scenario.clusters) < _CLUMP_CLUSTERS
        extra[first : first + rng.integers(1, 7), some] = _CLUMP
    return extra


def answered(stream: Stream, hour: NDArray[np.int64]) -> NDArray[np.int64]:
    """The hour in which the teacher's answer comes; the number of hours stands for after the end."""
    mean, rng = stream.scenario.late_h, stream.rng
    if not mean:
        return hour
    later = hour + np.minimum(rng.exponential(mean, len(hour)), HOURS).astype(int)
    since = (later - rng.integers(0, WEEK * HOURS)) % (WEEK * HOURS)
    silent = since < _SILENCE_H  # once a week; what was asked in it is answered after it, all at once
    return np.asarray(np.minimum(np.where(silent, later - since + _SILENCE_H, later), stream.hours))

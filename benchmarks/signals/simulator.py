"""Hourly counts of simulated traffic: requests are drawn one by one, with their user, novelty, teacher and error.

Novelty is a number with a part of the cluster, of the user, of the hour, of the conversation and of the request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.answers import answered, disagreements
from benchmarks.signals.drifts import NONE, Drift
from benchmarks.signals.intensity import intensity
from benchmarks.signals.people import Conversations, batches, converse
from benchmarks.signals.scenarios import HOURS, REFERENCE_DAYS, WEEK
from benchmarks.signals.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.signals.scenarios import Scenario, Volume

QUANTILES = (0.8, 0.9, 0.95, 0.99)
_OWN_NOVELTY = 0.8
_TOGETHER = 0.3  # share of the own variance of novelty that a conversation has in common
# Out-of-scope queries of CLINC150 by their distance to 2,000 in-scope ones (MiniLM): mean and sd in sd of the known.
_NEW_MEAN, _NEW_SD = 2.0, 0.75


@dataclass(frozen=True)
class Counts:
    """What a task's monitors get to see, in whole hours: arrays (streams, hours, clusters[, 4])."""

    inputs: NDArray[np.int32]
    exceeded: NDArray[np.int32]
    pairs: NDArray[np.int32]
    disagreed: NDArray[np.int32]

    @classmethod
    def stack(cls, streams: Sequence[Counts]) -> Counts:
        """All of them, one after another."""
        fields = ("inputs", "exceeded", "pairs", "disagreed")
        return cls(*(np.concatenate([getattr(stream, field) for stream in streams]) for field in fields))

    def in_one_cluster(self) -> Counts:
        """The same without clusters."""
        arrays = (self.inputs, self.exceeded, self.pairs, self.disagreed)
        return Counts(*(array.sum(2, keepdims=True) for array in arrays))


def simulate(scenario: Scenario, volume: Volume, *, days: int, seed: int, drift: Drift = NONE) -> Counts:
    """One stream of `days` whole days, the reference among them; the same seed gives the same traffic."""
    stream = Stream.begin(scenario, volume, drift, days=days, seed=seed)
    talks = converse(stream, intensity(stream)).join(batches(stream))
    talks = talks.thin(_sampled(stream, talks.hour), stream.rng)
    return _count(stream, talks.one_each() if scenario.one_each else talks)


def _sampled(stream: Stream, hour: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the requests of an hour that are journalled: the `volume` while it is at its higher level."""
    first, factor = stream.scenario.sampling_step
    return np.where(hour // HOURS < first, 1.0, factor) / max(factor, 1.0)


def _count(stream: Stream, usual: Conversations) -> Counts:
    rng, drift, k = stream.rng, stream.drift, stream.scenario.clusters
    new = drift.new(usual.hour, rng)
    talks = usual
    if drift.topic:
        talks = replace(usual, cluster=np.where(new, drift.new_cluster(k, len(new), rng), usual.cluster))
    of = np.repeat(np.arange(len(talks.size)), talks.size)  # the conversation of each request
    hour, cluster = talks.hour[of], talks.cluster[of]
    novelty = _novelty(stream, usual, new=new, of=of)
    week = (hour >= (REFERENCE_DAYS - WEEK) * HOURS) & (hour < REFERENCE_DAYS * HOURS)
    thresholds = np.quantile(novelty[week], QUANTILES)
    asked = np.flatnonzero(rng.random(len(of)) < stream.volume.pairs / stream.volume.inputs)
    wrong = disagreements(stream, talks, of=of, novelty=novelty, asked=asked)
    cell, pair_cell = hour * k + cluster, answered(stream, hour[asked]) * k + cluster[asked]
    return Counts(
        hourly(cell, stream.hours, k),
        np.stack([hourly(cell[novelty > level], stream.hours, k) for level in thresholds], axis=-1),
        hourly(pair_cell, stream.hours, k),
        hourly(pair_cell[wrong], stream.hours, k),
    )


def hourly(cell: NDArray[np.int64], hours: int, k: int) -> NDArray[np.int32]:
    """Events per hour and cluster; those of a later hour are not there yet."""
    return np.bincount(cell, minlength=hours * k)[: hours * k].reshape(1, hours, k).astype(np.int32)


def _novelty(
    stream: Stream, talks: Conversations, *, new: NDArray[np.bool_], of: NDArray[np.int64]
) -> NDArray[np.float64]:
    scenario, traits, rng = stream.scenario, stream.traits, stream.rng
    usual = traits.novelty[talks.cluster] + traits.user_novelty[talks.user]
    usual = usual + scenario.night_novelty * stream.clock.night[talks.hour]
    before = talks.hour < REFERENCE_DAYS * HOURS
    mean = np.average(usual[before], weights=talks.size[before])
    sd = np.sqrt(np.average((usual[before] - mean) ** 2, weights=talks.size[before]) + _OWN_NOVELTY**2)
    centre = np.where(new, mean + _NEW_MEAN * sd, usual)
    width = np.where(new, _NEW_SD * sd, _OWN_NOVELTY)
    common = np.where(talks.copies, 1.0, _TOGETHER * (talks.size > 1))
    shared = centre + width * np.sqrt(common) * rng.standard_normal(len(centre))
    own = width * np.sqrt(1 - common)
    return np.asarray(shared[of] + own[of] * rng.standard_normal(len(of)))

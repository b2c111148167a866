"""Who sends the requests: users in conversations, and batches of near-identical requests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.stream import Stream

_LONGEST = 60
_LOG_SIZE, _LOG_SD = 0.79, 0.95  # of conversations: 3.5 requests on average
_MEAN_SIZE = 3.5
_ACTIVITY = 1.1
_OWN_TOPICS = 0.6  # sd of a user's log-preferences
_MEMORY = 0.6  # of a user's activity from one day to the next
_BATCH = (50, 500)
_BATCH_HOUR = 3


@dataclass(frozen=True)
class Conversations:
    """Requests that belong together, as columns: hour, cluster, user, how many, and whether they are copies."""

    hour: NDArray[np.int64]
    cluster: NDArray[np.int64]
    user: NDArray[np.int64]
    size: NDArray[np.int64]
    copies: NDArray[np.bool_]

    def join(self, other: Conversations) -> Conversations:
        """These and those."""
        return Conversations(*(np.concatenate([getattr(self, f), getattr(other, f)]) for f in self.__annotations__))

    def one_each(self) -> Conversations:
        """The first request of each user, cluster and hour; batches come from one user each."""
        key = np.stack([self.hour, self.cluster, self.user])
        first = np.sort(np.unique(key, axis=1, return_index=True)[1])
        one = np.ones(len(first), int)
        return Conversations(self.hour[first], self.cluster[first], self.user[first], one, self.copies[first])

    def thin(self, share: NDArray[np.float64], rng: np.random.Generator) -> Conversations:
        """Each request of conversation i stays with probability share[i]."""
        if (share == 1).all():
            return self
        kept = rng.binomial(self.size, share)
        some = kept > 0
        return Conversations(self.hour[some], self.cluster[some], self.user[some], kept[some], self.copies[some])


def converse(stream: Stream, expected: NDArray[np.float64]) -> Conversations:
    """Draw the conversations; without users each request is one."""
    scenario, clock, rng = stream.scenario, stream.clock, stream.rng
    hours, k = expected.shape
    if scenario.users:
        chosen, level = _activity(stream)
        expected = expected * level[clock.day] / _MEAN_SIZE
    cell = np.repeat(np.arange(hours * k), rng.poisson(expected).ravel())
    hour, cluster = cell // k, cell % k
    if not scenario.users:
        nobody = np.zeros(len(cell), int)
        return Conversations(hour, cluster, nobody, nobody + 1, nobody > 0)
    row = clock.day[hour] * k + cluster
    user = np.searchsorted(chosen, row + rng.random(len(row))) - row * scenario.users
    size = np.exp(_LOG_SIZE + _LOG_SD * rng.standard_normal(len(row))).round().astype(int)
    size = np.clip(size, 1, _LONGEST)
    return Conversations(hour, cluster, np.clip(user, 0, scenario.users - 1), size, np.zeros(len(row), bool))


def _activity(stream: Stream) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulated probabilities of the users in each (day, cluster), row r from r to r + 1, and each cell's level."""
    scenario, days, rng = stream.scenario, stream.clock.days, stream.rng
    users, k = scenario.users, scenario.clusters
    weight = np.arange(1, users + 1) ** -_ACTIVITY
    own = np.exp(_OWN_TOPICS * rng.standard_normal((users, k)))
    own /= np.average(own, axis=0, weights=weight)  # the clusters keep their shares
    log = np.empty((days, users))
    log[0] = rng.standard_normal(users)
    for day in range(1, days):
        log[day] = _MEMORY * log[day - 1] + np.sqrt(1 - _MEMORY**2) * rng.standard_normal(users)
    active = weight / weight.sum() * np.exp(scenario.user_day * log - scenario.user_day**2 / 2)
    cells = active[:, None, :] * own.T[None]  # (days, clusters, users)
    level = cells.sum(-1)
    cumulated = np.cumsum(cells, axis=-1) / level[..., None]
    rows = np.arange(days * k).reshape(days, k, 1)
    return (cumulated + rows).ravel(), level


def batches(stream: Stream) -> Conversations:
    """Draw the batches, as far as the near-duplicate key does not catch them: the first of each and some copies."""
    scenario, hours, rng = stream.scenario, stream.hours, stream.rng
    k = scenario.clusters
    n = rng.poisson(scenario.bursts * hours / 24)
    hour = rng.integers(0, hours, n)
    size = np.exp(rng.uniform(math.log(_BATCH[0]), math.log(_BATCH[1]), n)).astype(int)
    cluster = rng.integers(0, k, n)
    if scenario.weekly_batch:
        mondays = np.arange(_BATCH_HOUR, hours, 7 * 24)
        hour = np.concatenate([hour, mondays])
        size = np.concatenate([size, np.full(len(mondays), scenario.weekly_batch)])
        cluster = np.concatenate([cluster, np.full(len(mondays), rng.integers(k))])
    kept = 1 + rng.binomial(size - 1, 1 - scenario.hashed)
    user = rng.integers(0, max(scenario.users, 1), len(hour))
    return Conversations(hour, cluster, user, kept, np.ones(len(hour), bool))

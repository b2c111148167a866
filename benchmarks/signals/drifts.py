"""What may happen to traffic that a detector should find, and what it should not: a harmless change of mix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.stream import Traits

_NEAREST = 0.4  # share of a new topic that falls into one cluster, as of CLINC150's out-of-scope queries
_AGREED = 0.945


@dataclass(frozen=True)
class Drift:
    """A change from an hour on; the default is none."""

    name: str = "none"
    onset: int = 0  # hours after the first reference day began
    topic: float = 0.0  # share of the traffic that a new topic replaces
    known_times: float = 1.0  # growth of a known cluster
    worst_times: float = 1.0  # growth of the cluster that agrees least, errors inside every cluster unchanged
    errors: float = 0.0  # share of all answers that agree no more
    cluster_errors: float = 0.0  # the same in one known cluster
    ramp_h: float = 1.0  # hours in which the errors grow to their full size

    def at(self, onset: int) -> Drift:
        """The same change, from that hour on."""
        return replace(self, onset=onset)

    def growth(self, hours: int, traits: Traits) -> NDArray[np.float64]:
        """Factors on the expected requests: (hours, clusters)."""
        factor = np.ones((hours, len(traits.errors)))
        factor[self.onset :, traits.known] *= self.known_times
        factor[self.onset :, traits.worst] *= self.worst_times
        return factor

    def new(self, hour: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which conversations are about the new topic."""
        return np.asarray((hour >= self.onset) & (rng.random(len(hour)) < self.topic))

    def new_cluster(self, clusters: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """The clusters in which the new topic lands."""
        anywhere = rng.integers(0, clusters, n)
        return np.where(rng.random(n) < _NEAREST, rng.integers(clusters), anywhere)

    def extra_errors(self, hour: NDArray[np.int64], cluster: NDArray[np.int64], traits: Traits) -> NDArray[np.float64]:
        """Probability that an answer which agreed agrees no more."""
        grown = np.clip((hour - self.onset) / self.ramp_h, 0.0, 1.0) if self.ramp_h > 1 else hour >= self.onset
        lost = self.errors + self.cluster_errors * (cluster == traits.known)
        return np.asarray(grown * lost / _AGREED)


NONE = Drift()
TOPICS = tuple(Drift(f"new topic {share:.0%}", topic=share) for share in (0.5, 0.2, 0.1, 0.05, 0.02))
GROWTHS = tuple(Drift(f"known cluster x{times:g}", known_times=times) for times in (2.0, 5.0))
ERRORS = (
    Drift("agreement -15 points", errors=0.15),
    Drift("agreement -10 points", errors=0.10),
    Drift("agreement -5 points", errors=0.05),
    Drift("agreement -40 points in one cluster", cluster_errors=0.40),
    Drift("agreement -10 points over 21 days", errors=0.10, ramp_h=21 * 24),
)
HARMLESS = tuple(Drift(f"harmless mix change x{times:g}", worst_times=times) for times in (3.0, 5.0))

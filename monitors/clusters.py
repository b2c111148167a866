"""What the inputs of a task are about: clusters of the reference vectors, numbered from the largest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 30
_LEAST_ROWS = 40  # of the reference, for each cluster: fewer tell nothing about its share
_ROUNDS = 5  # k-means from other beginnings; the best is kept


def centroids(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit-length centres of k-means clusters (Lloyd 1982, seeded as by Arthur & Vassilvitskii 2007).

    Shape (clusters, dimensions), at most 30 clusters and at least one; the same for the same vectors.
    """
    wanted = max(1, min(MOST, len(vectors) // _LEAST_ROWS, len(np.unique(vectors, axis=0))))
    if wanted == 1:
        return _unit(vectors.mean(axis=0, keepdims=True))
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        fitted = KMeans(wanted, n_init=_ROUNDS, random_state=0).fit(vectors)
    sizes = np.bincount(fitted.labels_, minlength=wanted)
    return _unit(fitted.cluster_centers_[np.argsort(-sizes, kind="stable")])


def nearest(vectors: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """The number of the centre with the largest cosine to each row, shape (rows,)."""
    found: NDArray[np.int64] = (vectors @ centres.T).argmax(axis=1)
    return found


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)

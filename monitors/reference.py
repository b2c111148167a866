"""The reference: what inputs looked like when the student was accepted, and how far apart they lie from each other."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from domain.errors import ModelError, PreceptorError
from domain.records import Stratum
from monitors import clusters
from monitors.sr import upper_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.ports import Embedder

QUANTILES = (0.8, 0.9, 0.95, 0.99)
FLAGGED = 2  # an input above the third quantile belongs to the flagged stratum
NEIGHBOURS = 5
LEAST = 100
_SAME = 1 - 1e-5  # cosine of a text with itself, as float32 rounds it
_ROWS = 1024  # of the distance matrix at a time
_DECIMALS = 5  # float32 products differ in the seventh with the size of a batch; a repeated input must not look new
_DAMAGE = (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile, msgspec.DecodeError)


class Reference:
    """Vectors of accepted inputs, quantiles of their novelty with bounds of the rates at which these are exceeded,
    and clusters of them.

    Novelty is the mean cosine distance to the five nearest reference vectors; a reference input leaves itself out.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        *,
        embedder: str,
        sha256: str,
        novelty: NDArray[np.float64] | None = None,
        centroids: NDArray[np.float32] | None = None,
    ) -> None:
        """`centroids` have unit length, shape (clusters, dimensions); what is None is computed."""
        self.vectors = vectors
        self.embedder = embedder
        self.sha256 = sha256
        self.own_novelty = _leave_one_out(vectors) if novelty is None else novelty
        self.centroids = clusters.centroids(vectors) if centroids is None else centroids
        self.sizes: list[int] = np.bincount(self.cluster(vectors), minlength=len(self.centroids)).tolist()
        self.thresholds = np.quantile(self.own_novelty, QUANTILES)
        exceeds = self.own_novelty[:, None] > self.thresholds
        exceeded = exceeds.sum(0)
        self.levels: list[int] = np.bincount(
            exceeds.sum(1), minlength=len(QUANTILES) + 1
        ).tolist()  # thresholds exceeded
        self.bounds: list[float] = upper_bound(exceeded, len(vectors)).tolist()

    @classmethod
    def build(cls, texts: Sequence[str], embedder: Embedder) -> Reference:
        """Embed the texts.

        Raises:
            PreceptorError: there are fewer than 100.
        """
        if len(texts) < LEAST:
            raise PreceptorError(f"a reference needs at least {LEAST} inputs, there are {len(texts)}: wait for traffic")
        return cls(embedder.embed(texts), embedder=embedder.name, sha256=embedder.sha256)

    def check(self, embedder: Embedder) -> None:
        """Refuse to compare vectors of two embedders.

        Raises:
            ModelError: the reference was built with another embedder.
        """
        if embedder.sha256 != self.sha256:
            raise ModelError(
                f"the reference was built with the embedder {self.embedder} ({self.sha256[:12]}), but {embedder.name} "
                f"({embedder.sha256[:12]}) is configured: build the reference again or configure the old embedder"
            )

    def novelty(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """The novelty of each row, in [0, 2]; one matrix product."""
        return _nearest(vectors @ self.vectors.T)

    def held_out_novelty(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """The novelty of rows that may be among the reference inputs: such a row leaves itself out, as they do."""
        similarity = vectors @ self.vectors.T
        nearest = similarity.argmax(axis=1)
        rows = np.flatnonzero(similarity[np.arange(len(vectors)), nearest] > _SAME)
        similarity[rows, nearest[rows]] = -np.inf
        return _nearest(similarity)

    def cluster(self, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """The number of the nearest centroid of each row."""
        return clusters.nearest(vectors, self.centroids)

    def exceeds(self, novelty: float) -> tuple[float, ...]:
        """1 for each quantile that a novelty exceeds, lowest first."""
        return tuple(float(novelty > threshold) for threshold in self.thresholds)

    def stratum(self, novelty: float) -> Stratum:
        """Flagged above the 95 % quantile."""
        return Stratum.FLAGGED if novelty > self.thresholds[FLAGGED] else Stratum.ORDINARY

    def to_bytes(self) -> bytes:
        """The reference as an .npz file; holds vectors, no texts."""
        meta = msgspec.json.encode({"embedder": self.embedder, "sha256": self.sha256})
        file = io.BytesIO()
        np.savez(
            file,
            vectors=self.vectors,
            novelty=self.own_novelty,
            centroids=self.centroids,
            meta=np.frombuffer(meta, np.uint8),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, body: bytes) -> Reference:
        """The reference in an .npz file.

        Raises:
            ModelError: it is none.
        """
        try:
            with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
                meta: dict[str, Any] = msgspec.json.decode(arrays["meta"].tobytes())
                known = {name: arrays[name] for name in ("novelty", "centroids")}
                return cls(arrays["vectors"], **known, **meta)
        except _DAMAGE as error:
            raise ModelError(f"the stored reference is damaged ({type(error).__name__}): build it again") from None


def _leave_one_out(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = []
    for start in range(0, len(vectors), _ROWS):
        similarity = vectors[start : start + _ROWS] @ vectors.T
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf
        rows.append(_nearest(similarity))
    return np.concatenate(rows)


def _nearest(similarity: NDArray[np.float32]) -> NDArray[np.float64]:
    top = np.partition(similarity, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
    distances: NDArray[np.float64] = np.round(1.0 - top.mean(axis=1, dtype=np.float64), _DECIMALS)
    return distances

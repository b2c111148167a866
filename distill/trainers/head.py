"""Trains a softmax head on embeddings of the teacher's examples: seconds on a CPU, real probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from distill.calibration import fit_temperature, nll
from distill.examples import Example
from distill.split import Train, Validation
from distill.student import StudentHead
from domain.errors import DatasetError
from domain.ports import Embedder

NAME = "head"
Progress = Callable[[int, int], None]  # steps done, steps in all

_STRENGTHS = (1.0, 10.0, 100.0)  # inverse regularisation; on unit vectors the useful range
_DEFAULT = 10.0
_ENOUGH = 20  # validation rows below which nothing is chosen on them
_EMBED_CHUNK = 256


def train(
    train_rows: Train, validation: Validation, *, embedder: Embedder, progress: Progress | None = None
) -> StudentHead:
    """The head with the best likelihood on validation, its temperature folded into the weights.

    Labels are those of the training rows, sorted.

    Raises:
        DatasetError: the training rows show fewer than two labels.
    """
    labels = tuple(sorted({example.answer for example in train_rows.examples}))
    if len(labels) < 2:
        raise DatasetError(f"a head needs training rows of two or more labels, found {len(labels)}; generate more")
    judged = [example for example in validation.examples if example.answer in set(labels)]
    strengths = _STRENGTHS if len(judged) >= _ENOUGH else (_DEFAULT,)
    bar = _Bar(progress, len(train_rows.examples) + len(judged), len(strengths))
    vectors, targets = _embedded(train_rows.examples, labels, embedder, bar)
    held_vectors, held_targets = _embedded(judged, labels, embedder, bar)
    heads = []
    for strength in strengths:
        heads.append(_fit(vectors, targets, labels, strength))
        bar.advance(bar.step)
    if len(judged) < _ENOUGH:
        return heads[0]
    return min((_calibrated(head, held_vectors, held_targets) for head in heads), key=_loss(held_vectors, held_targets))


class _Bar:
    """Progress in rows embedded; a fit counts like a tenth of the rows."""

    def __init__(self, report: Progress | None, rows: int, fits: int) -> None:
        self.step = max(rows // 10, 1)
        self._report, self._done, self._total = report, 0, rows + fits * self.step

    def advance(self, steps: int) -> None:
        self._done += steps
        if self._report is not None:
            self._report(self._done, self._total)


def _embedded(
    examples: Sequence[Example], labels: tuple[str, ...], embedder: Embedder, bar: _Bar
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    number = {label: index for index, label in enumerate(labels)}
    chunks = []
    for start in range(0, len(examples), _EMBED_CHUNK):
        chunk = examples[start : start + _EMBED_CHUNK]
        chunks.append(embedder.embed([example.text for example in chunk]))
        bar.advance(len(chunk))
    vectors = np.concatenate(chunks) if chunks else np.zeros((0, 0), dtype=np.float32)
    return vectors, np.array([number[example.answer] for example in examples], dtype=np.intp)


def _fit(
    vectors: NDArray[np.float32], targets: NDArray[np.intp], labels: tuple[str, ...], strength: float
) -> StudentHead:
    with threadpool_limits(1):  # spinning BLAS threads make so small a fit fifty times slower on a busy machine
        model = LogisticRegression(C=strength, max_iter=2000).fit(vectors.astype(np.float64), targets)
    weights, bias = np.asarray(model.coef_, dtype=np.float64), np.asarray(model.intercept_, dtype=np.float64)
    if len(labels) == 2:  # scikit-learn keeps one row for two labels: the logit of the second against the first
        weights, bias = np.vstack([np.zeros_like(weights), weights]), np.concatenate([[0.0], bias])
    return StudentHead(weights, bias, labels)


def _calibrated(head: StudentHead, vectors: NDArray[np.float32], targets: NDArray[np.intp]) -> StudentHead:
    temperature = fit_temperature(head.logits(vectors), targets)
    return StudentHead(head.weights / temperature, head.bias / temperature, head.labels)


def _loss(vectors: NDArray[np.float32], targets: NDArray[np.intp]) -> Callable[[StudentHead], float]:
    return lambda head: nll(head.logits(vectors), targets)

"""Free texts compared by meaning: the cosine of their embeddings, held against how alike the teacher's answers are."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from monitors.comparers.port import Judgement

if TYPE_CHECKING:
    from domain.ports import Embedder
    from domain.records import Exchange
    from monitors.comparers.port import AnswerComparer

LEAST_PAIRS = 30
_AGREES = 0.95  # how often the teacher shall agree with itself


class TextComparer:
    """Two texts agree from a cosine of `least` on; the score is the cosine, at least 0."""

    def __init__(self, embedder: Embedder, *, least: float) -> None:
        self._embedder = embedder
        self._least = least

    async def compare(self, exchange: Exchange, student: str, teacher: str) -> Judgement:
        """See `AnswerComparer`.  Equal texts agree without being embedded."""
        if student == teacher:
            return Judgement(True, 1.0)
        (score,) = await asyncio.to_thread(similarities, self._embedder, [(student, teacher)])
        return Judgement(score >= self._least, score)

    async def aclose(self) -> None:
        """See `AnswerComparer`."""


def similarities(embedder: Embedder, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """The cosine of the two texts of each pair, in [0, 1]; heavy."""
    vectors = embedder.embed([text for pair in pairs for text in pair])
    cosines = (vectors[::2] * vectors[1::2]).sum(1)
    found: list[float] = np.clip(cosines, 0.0, 1.0).astype(float).tolist()
    return found


def threshold(found: Sequence[float]) -> float | None:
    """The cosine that two answers of the teacher to one input reach with 95 % probability; None below 30 of them.

    Of n similarities the one of rank floor(0.05 (n + 1)), from below: the next pair falls short of it with at most 5 %
    (a conformal bound: Vovk, Gammerman and Shafer 2005), whatever their distribution.
    """
    if len(found) < LEAST_PAIRS:
        return None
    rank = math.floor((1 - _AGREES) * (len(found) + 1) + 1e-9)
    return sorted(found)[rank - 1]


if TYPE_CHECKING:
    from embedders.hashing import HashingEmbedder

    _: AnswerComparer = TextComparer(HashingEmbedder(), least=0.5)

"""The honest baseline: words and letter triples hashed into a vector.  Needs no download; much blinder than a model."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.ports import Embedder

_VERSION = b"hashing 1"
_LONGEST = 32_768  # characters of a text that are read


class HashingEmbedder:
    """Signed feature hashing (Weinberger et al. 2009) of lower-case words and letter triples."""

    name = "hashing"

    def __init__(self, *, dimensions: int = 256) -> None:
        self._dimensions = dimensions
        self.sha256 = hashlib.sha256(_VERSION + str(dimensions).encode()).hexdigest()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions)."""
        rows = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature in _features(text):
                value = zlib.crc32(feature.encode())
                row[value % self._dimensions] += 1.0 if value & 0x8000_0000 else -1.0
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        np.divide(rows, lengths, out=rows, where=lengths > 0)
        return rows


def _features(text: str) -> Iterator[str]:
    for word in text[:_LONGEST].casefold().split() or [""]:  # a blank text is like other blank texts
        yield word
        padded = f"<{word}>"
        yield from (padded[start : start + 3] for start in range(len(padded) - 2))


if TYPE_CHECKING:
    _: Embedder = HashingEmbedder()

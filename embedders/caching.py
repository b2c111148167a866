"""Remembers vectors, for commands that embed the same texts to train, to evaluate and to build a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.ports import Embedder

_CHUNK = 256


class CachingEmbedder:
    """The embedder it wraps, asked once for each text.  Grows with the texts: for commands, not for servers."""

    def __init__(self, inner: Embedder) -> None:
        self.name = inner.name
        self.sha256 = inner.sha256
        self._inner = inner
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions)."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            self._vectors.update(zip(chunk, self._inner.embed(chunk), strict=True))
        if not texts:
            return self._inner.embed([])
        return np.stack([self._vectors[text] for text in texts])


if TYPE_CHECKING:
    _: Embedder = CachingEmbedder(CachingEmbedder.__new__(CachingEmbedder))

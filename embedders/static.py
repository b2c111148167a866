"""One vector for each token, distilled from a model: a text is the mean of its tokens.  Thousands of texts a second.

It knows words, not their order; drift is seen with about twice the inputs that the model itself needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import ModelError
from embedders import exports
from embedders.tokenizer import ExportedTokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.ports import Embedder

VECTORS = "vectors.npz"
_NOTHING = 1e-6  # a mean shorter than this has no direction


class StaticEmbedder:
    """Sums rows of a table; needs tokenizers and numpy.  Any number of threads may use it at once."""

    def __init__(
        self, name: str, rows: NDArray[np.float32], tokenizer: ExportedTokenizer, *, export: exports.Export
    ) -> None:
        """`rows` has one for each token, zeros for those that say nothing.  Use `load`."""
        self.name = name
        self.sha256 = export.sha256
        self._rows = rows
        self._tokenizer = tokenizer
        self._strange = np.full(rows.shape[1], rows.shape[1] ** -0.5, np.float32)  # of a text without a known token

    @classmethod
    def load(cls, folder: Path, *, name: str) -> StaticEmbedder:
        """Load an export; `name` is that of the model as configured.

        Raises:
            ModelError: the library is missing, or the export is missing or damaged.
        """
        export = exports.read(folder)
        tokenizer = ExportedTokenizer.load(folder, max_length=export.max_length)
        try:
            with np.load(folder / VECTORS, allow_pickle=False) as arrays:
                rows = arrays["rows"]
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"cannot load {folder / VECTORS}: {error}; run: preceptor embedder export") from None
        return cls(name, rows, tokenizer, export=export)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions)."""
        vectors = np.empty((len(texts), self._rows.shape[1]), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            vector[:] = self._vector(text)
        return vectors

    def tokens(self) -> list[str]:
        """What the tokenizer splits texts into, in the order of their numbers; without its special tokens."""
        return self._tokenizer.tokens()

    def _vector(self, text: str) -> NDArray[np.float32]:
        ids = self._tokenizer.ids(text, special=False)
        if not ids:
            return self._strange
        mean = self._rows[ids].mean(axis=0)
        length = np.linalg.norm(mean)
        return mean / length if length > _NOTHING else self._strange


if TYPE_CHECKING:
    _: Embedder = StaticEmbedder.load(Path(), name="")

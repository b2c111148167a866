"""From a sentence-transformers model to one vector for each token.

The way of Model2Vec (Tulkens and van Dongen 2024): each token alone through the model, fewer dimensions, weights by
frequency.  The weights are those of smooth inverse frequency (Arora, Liang and Ma 2017).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedders.architecture import Architecture, examine
from embedders.exports import Progress
from embedders.static import VECTORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedders.sentence_transformers import SentenceTransformersEmbedder

LIBRARIES = ("numpy", "sentence-transformers", "tokenizers", "torch", "transformers")
DIMENSIONS = 256
MAX_LENGTH = 512  # tokens of a text that are read; reading more only makes every text alike
_SMOOTHING = 1e-4  # `a` of Arora et al., who find 1e-3 to 1e-4 best
_CHUNK = 256
_UNUSED = re.compile(r"\[unused\d+\]")  # places that BERT keeps free: no text has them


def distil(source: SentenceTransformersEmbedder, folder: Path, *, progress: Progress) -> Architecture:
    """Write a vector for each token that the model of `source` knows into `folder`.

    Raises:
        ModelError: the model is of a kind that cannot be exported.
    """
    found = examine(source.model, name=source.name)
    numbers = ordinary(found)
    table = principal(token_vectors(found, numbers, progress=progress), DIMENSIONS)
    rows = np.zeros((found.tokenizer.get_vocab_size(), table.shape[1]), np.float32)
    rows[numbers] = table * frequency_weights(len(numbers))[:, None]
    np.savez(folder / VECTORS, rows=rows)
    return found._replace(max_length=MAX_LENGTH, dimensions=rows.shape[1])


def ordinary(found: Architecture) -> list[int]:
    """The numbers of the tokens that a text can consist of, in their order, which is about that of their frequency."""
    special = {number for number, token in found.tokenizer.get_added_tokens_decoder().items() if token.special}
    vocabulary = found.tokenizer.get_vocab().items()
    return sorted(number for token, number in vocabulary if number not in special and not _UNUSED.fullmatch(token))


def token_vectors(found: Architecture, numbers: list[int], *, progress: Progress) -> NDArray[np.float32]:
    """What the model makes of each token alone, shape (len(numbers), dimensions of the model)."""
    import torch

    before, after = found.marks()
    chunks = []
    with torch.inference_mode():
        for start in range(0, len(numbers), _CHUNK):
            ids = torch.tensor([[*before, number, *after] for number in numbers[start : start + _CHUNK]])
            hidden = found.transformer(input_ids=ids).last_hidden_state
            chunks.append((hidden[:, 0] if found.pooling == "cls" else hidden.mean(1)).numpy())
            progress(min(start + _CHUNK, len(numbers)), len(numbers))
    return np.concatenate(chunks)


def principal(vectors: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """Centred vectors in their principal components, the strongest first; each points to its largest loading.

    Fewer than `dimensions` where the vectors have no more.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :dimensions]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    return np.asarray(centred @ (axes * np.sign(largest)), np.float32)


def frequency_weights(tokens: int) -> NDArray[np.float32]:
    """The weight a / (a + p) of each token by rank, p after Zipf's law; shape (tokens,), rising to nearly 1."""
    shares = 1 / np.arange(2, tokens + 2)
    return np.asarray(_SMOOTHING / (_SMOOTHING + shares / shares.sum()), np.float32)

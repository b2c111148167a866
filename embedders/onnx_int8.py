"""An exported model with 8-bit weights on ONNX Runtime: neither torch nor transformers, a third of the time.

One text at a time, never a batch: dynamic quantisation scales the activations of everything that runs together, so
that the company of a text would change its vector.  Alone it is also faster, as nothing is padded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import ModelError
from embedders import exports
from embedders.tokenizer import ExportedTokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from domain.ports import Embedder

MODEL = "model.onnx"
INPUT, OUTPUT = "input_ids", "vector"  # of the graph: shapes (1, tokens) and (dimensions,)


class OnnxInt8Embedder:
    """An export on one CPU thread, whichever thread asks: a second text waits for the first."""

    def __init__(
        self, name: str, session: InferenceSession, tokenizer: ExportedTokenizer, *, export: exports.Export
    ) -> None:
        """`session` and `tokenizer` are those of the export.  Use `load`."""
        self.name = name
        self.sha256 = export.sha256
        self._session = session
        self._tokenizer = tokenizer
        self._dimensions = export.dimensions
        self._alone = threading.Lock()

    @classmethod
    def load(cls, folder: Path, *, name: str) -> OnnxInt8Embedder:
        """Load an export; `name` is that of the model as configured.

        Raises:
            ModelError: the library is missing, or the export is missing or damaged.
        """
        export = exports.read(folder)
        tokenizer = ExportedTokenizer.load(folder, max_length=export.max_length)
        return cls(name, _session(folder / MODEL), tokenizer, export=export)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions).  A text is cut at the model's longest input."""
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        vectors = {text: self._vector(text) for text in dict.fromkeys(texts)}
        return np.stack([vectors[text] for text in texts])

    def tokens(self) -> list[str]:
        """What the tokenizer splits texts into, in the order of their numbers; without its special tokens."""
        return self._tokenizer.tokens()

    def _vector(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.ids(text, special=True)], np.int64)
        with self._alone:
            (vector,) = self._session.run([OUTPUT], {INPUT: ids})
        unit: NDArray[np.float32] = vector / np.linalg.norm(vector)
        return unit


def _session(model: Path) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError:
        raise ModelError("the backend onnx-int8 needs onnxruntime; run: pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the library has no common base of its errors
        raise ModelError(f"cannot load {model}: {type(error).__name__}; run: preceptor embedder export") from None


if TYPE_CHECKING:
    _: Embedder = OnnxInt8Embedder.load(Path(), name="")

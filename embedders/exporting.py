"""From a sentence-transformers model to an ONNX graph with 8-bit weights.  Seconds of work, needs torch and onnx."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import ModelError
from embedders.architecture import Architecture, examine
from embedders.exports import Pooling, Progress
from embedders.onnx_int8 import INPUT, MODEL, OUTPUT, OnnxInt8Embedder

if TYPE_CHECKING:
    import torch

    from domain.ports import Embedder
    from embedders.sentence_transformers import SentenceTransformersEmbedder

LIBRARIES = ("onnx", "onnxruntime", "onnxscript", "sentence-transformers", "tokenizers", "torch", "transformers")
_NOISY = ("root", "torch.onnx", "onnxscript", "onnx_ir")  # loggers that advise or apologise while they export
_STEPS = 2
_LEAST_COSINE = 0.9  # 0.99 is usual: below this the graph is not the model
_PROBES = (
    "where is my order",
    "Please cancel the subscription that I took out last month.",
    "The pump reports error 41 after twenty minutes, and a restart does not help.",
    "Kann ich die Lieferadresse noch ändern?",
    "refund",
    "What is the exchange rate for dollars, and who pays the fee when I travel?",
)


def export_int8(source: SentenceTransformersEmbedder, folder: Path, *, progress: Progress) -> Architecture:
    """Write the model of `source` as a graph with 8-bit weights into `folder`.

    Raises:
        ModelError: a library is missing, or the model cannot be exported.
    """
    found = examine(source.model, name=source.name)
    with _silence():
        _trace(found, folder / "fp32.onnx", name=source.name)
        progress(1, _STEPS)
        _quantise(folder / "fp32.onnx", folder / MODEL)
    (folder / "fp32.onnx").unlink()
    progress(2, _STEPS)
    return found


def fidelity(source: Embedder, folder: Path) -> float:
    """The mean cosine of the export's vectors with those of the model it was made from, on a few sentences.

    Raises:
        ModelError: the two do not agree.
    """
    made, wanted = OnnxInt8Embedder.load(folder, name=source.name).embed(_PROBES), source.embed(_PROBES)
    cosine = float(np.mean(np.sum(made * wanted, axis=1)))
    if not cosine >= _LEAST_COSINE:
        raise ModelError(
            f"the export of {source.name!r} has cosine {cosine:.2f} with it, less than {_LEAST_COSINE}; "
            "use the backend sentence-transformers for this model"
        )
    return cosine


def _trace(found: Architecture, path: Path, *, name: str) -> None:
    """The graph has one text as its input and the vector as its output, so that no mask and no padding is needed."""
    try:
        import onnxscript  # noqa: F401 - torch imports it late, and its own message is long
        import torch
    except ImportError as error:
        raise ModelError(f"the export needs {error.name}; run: pip install onnx onnxruntime onnxscript") from None
    example = torch.tensor([[*found.marks()[0], 7, 8, 9, *found.marks()[1]]])
    try:
        program = torch.onnx.export(
            _pooled(found.transformer, found.pooling),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({1: torch.export.Dim("tokens", min=2, max=found.max_length)},),
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(
            f"torch cannot export {name!r}: {type(error).__name__}; use the backend sentence-transformers"
        ) from None
    assert program is not None  # with dynamo=True
    program.save(str(path))


def _pooled(transformer: torch.nn.Module, pooling: Pooling) -> torch.nn.Module:
    import torch

    class Pooled(torch.nn.Module):
        """One text's tokens to one vector."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            """Shape (1, tokens) to (dimensions,)."""
            hidden: torch.Tensor = self.transformer(input_ids=input_ids).last_hidden_state
            return hidden[0, 0] if pooling == "cls" else hidden[0].mean(0)

    return Pooled().eval()


def _quantise(path: Path, target: Path) -> None:
    """A scale for each channel: cosine 0.99 instead of 0.97.  One bit less: no overflow on processors without VNNI."""
    try:
        from onnxruntime.quantization import quantize_dynamic
    except ImportError:
        raise ModelError("the export needs onnx and onnxruntime; run: pip install onnx onnxruntime") from None
    quantize_dynamic(path, target, per_channel=True, reduce_range=True)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Libraries in an export warn about themselves, on their loggers and as warnings; none of it is for our user."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

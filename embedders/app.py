"""Composition root of the embedders: the one place that names them."""

from __future__ import annotations

import contextlib
import logging
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from domain.errors import ModelError
from embedders import exports
from embedders.exports import Progress
from embedders.hashing import HashingEmbedder
from embedders.onnx_int8 import OnnxInt8Embedder
from embedders.static import StaticEmbedder

if TYPE_CHECKING:
    from domain.ports import Embedder
    from domain.settings import EmbedderSettings
    from embedders.sentence_transformers import SentenceTransformersEmbedder

EXPORTED = ("onnx-int8", "static")  # the backends that run on what `export` writes
_LOG = logging.getLogger(__name__)


class Exported(NamedTuple):
    """An export in its place."""

    folder: Path
    export: exports.Export
    new: bool  # False: it was there already


def build(settings: EmbedderSettings, *, root: str | Path = ".") -> Embedder:
    """The embedder that the settings ask for, loaded: takes seconds and hundreds of MiB for a model on torch.

    Never exports: a server that starts must not import torch, write files or race with its siblings for a minute.

    Raises:
        ModelError: its weights or its export are missing or not the pinned ones.
    """
    if settings.backend == "hashing":
        return HashingEmbedder()
    if settings.backend == "onnx-int8":
        return OnnxInt8Embedder.load(exports.Place(settings, Path(root)).find(), name=settings.model)
    if settings.backend == "static":
        return StaticEmbedder.load(exports.Place(settings, Path(root)).find(), name=settings.model)
    return _source(settings)


def export(settings: EmbedderSettings, *, root: str | Path = ".", progress: Progress | None = None) -> Exported:
    """Make what the backend `onnx-int8` or `static` runs on, unless it is there; a local model needs no network.

    Raises:
        ValueError: the backend runs on no export.
        ModelError: a library is missing, the model cannot be loaded or exported, or the disk refused.
    """
    if settings.backend not in EXPORTED:
        raise ValueError(f"{settings.backend} needs no export")
    place = exports.Place(settings, Path(root))
    known = exports.local_weights(settings.model)
    if known and settings.sha256 in ("", known) and (there := _there(place.of(known))):
        return there
    _LOG.info("embedder_export model=%s backend=%s", settings.model, settings.backend)
    source = _source(settings)
    if there := _there(place.of(source.sha256)):  # a hub name, whose weights only now have a hash
        return there
    with place.draft(source.sha256) as draft:
        _write(source, settings, draft, progress or _quietly)
    folder = place.of(source.sha256)
    return Exported(folder, exports.read(folder), new=True)


def _there(folder: Path) -> Exported | None:
    with contextlib.suppress(ModelError):  # missing or damaged
        return Exported(folder, exports.read(folder), new=False)
    return None


def _write(source: SentenceTransformersEmbedder, settings: EmbedderSettings, folder: Path, progress: Progress) -> None:
    from embedders import distilling, exporting

    int8 = settings.backend == "onnx-int8"
    make, libraries = (
        (exporting.export_int8, exporting.LIBRARIES) if int8 else (distilling.distil, distilling.LIBRARIES)
    )
    found = make(source, folder, progress=progress)
    found.tokenizer.save(str(folder / exports.TOKENIZER))
    made = exports.Export(
        backend=settings.backend,
        model=settings.model,
        source_sha256=source.sha256,
        pooling=found.pooling,
        max_length=found.max_length,
        dimensions=found.dimensions,
        files={},
        versions={library: metadata.version(library) for library in libraries},
    )
    exports.write(folder, made)
    if int8:
        exports.write(folder, msgspec.structs.replace(made, cosine=exporting.fidelity(source, folder)))


def _source(settings: EmbedderSettings) -> SentenceTransformersEmbedder:
    from embedders.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder.load(settings.model, sha256=settings.sha256, batch=settings.batch)


def _quietly(done: int, total: int) -> None:
    """Nobody watches."""

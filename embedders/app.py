"""Composition root of the embedders: the one place that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedders.hashing import HashingEmbedder

if TYPE_CHECKING:
    from domain.ports import Embedder
    from domain.settings import EmbedderSettings


def build(settings: EmbedderSettings) -> Embedder:
    """The embedder that the settings ask for, loaded: takes seconds and hundreds of MiB for a real model.

    Raises:
        ModelError: its weights are missing or not the pinned ones.
    """
    if settings.backend == "hashing":
        return HashingEmbedder()
    from embedders.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder.load(settings.model, sha256=settings.sha256, batch=settings.batch)

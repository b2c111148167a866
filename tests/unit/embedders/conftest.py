"""Exports that several tests share, as making one takes seconds."""

from __future__ import annotations

import pytest

from domain.settings import EmbedderSettings
from embedders.sentence_transformers import SentenceTransformersEmbedder
from tests.unit.embedders.samples import minilm_exports, tiny_model


@pytest.fixture(scope="session", params=["mean", "cls"])
def tiny(request, tmp_path_factory):
    """The folder of a random BERT; each test runs with either pooling."""
    return tiny_model(tmp_path_factory.mktemp(request.param), pooling=request.param)


@pytest.fixture(scope="session")
def source(tiny):
    """The random BERT, loaded."""
    return SentenceTransformersEmbedder.load(str(tiny))


@pytest.fixture(scope="session")
def minilm(tmp_path_factory):
    """Settings of the default model for each backend, exported."""
    cache = str(minilm_exports(tmp_path_factory.getbasetemp()))
    return {
        backend: EmbedderSettings(backend=backend, cache=cache)
        for backend in ("sentence-transformers", "onnx-int8", "static")
    }

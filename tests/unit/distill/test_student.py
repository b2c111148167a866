from __future__ import annotations

import json

import numpy as np
import pytest

from distill.student import (
    HEAD,
    MANIFEST,
    HeadStudent,
    StudentHead,
    load,
    read_manifest,
    require_new,
    save,
    student_folder,
    students_folder,
)
from domain.errors import ConfigError, ModelError
from domain.records import Manifest
from embedders.hashing import HashingEmbedder


@pytest.fixture
def head():
    """Random weights of three labels."""
    source = np.random.default_rng(1)
    return StudentHead(source.normal(size=(3, 256)), source.normal(size=3), ("a", "b", "c"))


def _manifest(embedder_sha256, model="v1"):
    return Manifest(
        model=model,
        task="t",
        trainer="head",
        model_sha256="",
        prompt_sha256="p",
        output_sha256="o",
        dataset_sha256="d",
        embedder="words",
        embedder_sha256=embedder_sha256,
        labels=("a", "b", "c"),
        teacher="gold",
        examples=9,
        created_at=1.0,
    )


def test_a_student_comes_back_as_it_was_saved(tmp_path, head, embedder):
    """Weights, labels and manifest must survive the disk to the last bit, and leave no draft behind."""
    sealed = save(tmp_path, _manifest(embedder.sha256), head)
    again, loaded = load(tmp_path / "v1")
    assert (again, loaded.labels) == (sealed, head.labels)
    assert np.array_equal(loaded.weights, head.weights)
    assert np.array_equal(loaded.bias, head.bias)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v1"]
    assert len(sealed.model_sha256) == 64


def test_probabilities_are_shares(head, embedder):
    """Rows must sum to 1 and stay finite for large logits; empty texts included."""
    student = HeadStudent(_manifest(embedder.sha256), head, embedder)
    shares = student.probabilities(["hello", "", "x" * 10_000])
    assert shares.shape == (3, 3)
    assert np.allclose(shares.sum(axis=1), 1.0)
    huge = StudentHead(head.weights * 1e4, head.bias, head.labels).probabilities(embedder.embed(["hello"]))
    assert np.isfinite(huge).all()


def test_another_embedder_is_refused(head):
    """Vectors of two embedders must never be mixed; the error must name both hashes."""
    other = HashingEmbedder(dimensions=64)
    with pytest.raises(ModelError, match=rf"v1 was trained on embedder words .* but {other.sha256[:12]} is configured"):
        HeadStudent(_manifest("0" * 64), head, other)


def test_a_student_is_never_overwritten(tmp_path, head):
    """A name stands for one set of weights for ever: the registry and the store refer to it."""
    save(tmp_path, _manifest("s"), head)
    before = (tmp_path / "v1" / HEAD).read_bytes()
    with pytest.raises(ModelError, match="students never change; choose another name"):
        save(tmp_path, _manifest("s"), StudentHead(head.weights * 2, head.bias, head.labels))
    assert (tmp_path / "v1" / HEAD).read_bytes() == before
    with pytest.raises(ModelError, match="choose another name"):
        require_new(tmp_path, "v1")


@pytest.mark.parametrize("name", ["..", "../v1", "", ".hidden", "a/b", "a\nb", "x" * 200])
def test_names_cannot_leave_the_folder(tmp_path, name):
    """A model name comes from a client, so it must not be a path."""
    with pytest.raises(ModelError, match="cannot name a student"):
        student_folder(tmp_path, name)


def _flip(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


def _relabel(path):
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"labels": ["a", "b"]}))


@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        (HEAD, _flip, "its manifest says"),
        (HEAD, lambda path: path.unlink(), "no weights in"),
        (MANIFEST, lambda path: path.unlink(), "no student in"),
        (MANIFEST, lambda path: path.write_text('{"model"'), "is damaged"),
        (MANIFEST, lambda path: path.write_bytes(b'{"model": "\xff"}'), "is damaged"),
        (MANIFEST, _relabel, "does not fit the 2 labels"),
    ],
)
def test_damage_is_found_at_load(tmp_path, head, file, damage, reason):
    """A student that is not what its manifest says must never answer."""
    save(tmp_path, _manifest("s"), head)
    damage(tmp_path / "v1" / file)
    with pytest.raises(ModelError, match=reason):
        load(tmp_path / "v1")


@pytest.mark.parametrize("body", [b"not a zip", b"PK\x03\x04 torn"])
def test_weights_that_are_no_arrays_are_refused(tmp_path, head, body):
    """Even a file with the right hash must hold arrays, and nothing that could run code."""

    class Forged(StudentHead, frozen=True, eq=False):
        def encode(self):
            return body

    save(tmp_path, _manifest("s"), Forged(head.weights, head.bias, head.labels))
    with pytest.raises(ModelError, match="holds no softmax head"):
        load(tmp_path / "v1")


def test_a_disk_that_refuses_leaves_nothing(tmp_path, head):
    """A student that could not be written whole must not be seen."""
    root = tmp_path / "file"
    root.write_text("")
    with pytest.raises(ModelError, match="cannot write student v1"):
        save(root, _manifest("s"), head)


def test_the_manifest_alone_can_be_read(tmp_path, head):
    """Lists of students must not need the weights."""
    sealed = save(tmp_path, _manifest("s"), head)
    (tmp_path / "v1" / HEAD).unlink()
    assert read_manifest(tmp_path / "v1") == sealed


def test_the_folder_of_students_is_configured(make_settings, tmp_path):
    """It starts from the folder of the configuration; without the section the error says what to write."""
    assert students_folder(make_settings()) == tmp_path / "students"
    with pytest.raises(ConfigError, match="students: the section is missing; write"):
        students_folder(make_settings(students=None))

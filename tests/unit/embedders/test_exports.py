from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from domain.errors import ModelError
from domain.settings import EmbedderSettings
from embedders import exports
from embedders.exports import Place, read
from tests.unit.embedders.samples import WEIGHTS, described, static_export

EXPORT = msgspec.structs.replace(described("onnx-int8"), files={"model.onnx": "1" * 64})
SETTINGS = EmbedderSettings(backend="static", model="somewhere/model", cache="cache")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"files": {"model.onnx": "2" * 64}}, False),
        ({"files": {"model.onnx": "1" * 64, "tokenizer.json": "1" * 64}}, False),
        ({"backend": "static"}, False),
        ({"pooling": "cls"}, False),
        ({"max_length": 17}, False),
        ({"model": "another name"}, True),
        ({"versions": {"torch": "3"}}, True),
    ],
)
def test_the_hash_is_that_of_everything_a_vector_depends_on(change, same):
    """And of nothing else, so that a renamed model keeps its references."""
    assert (msgspec.structs.replace(EXPORT, **change).sha256 == EXPORT.sha256) is same


@pytest.mark.parametrize(("backend", "suffix"), [("onnx-int8", "int8"), ("static", "static")])
def test_a_folder_is_named_after_the_weights(tmp_path, backend, suffix):
    """Exports of two models, or of one model for two backends, lie side by side."""
    place = Place(EmbedderSettings(backend=backend, cache="cache"), tmp_path)
    assert place.of(WEIGHTS) == tmp_path / "cache" / f"abababababab-{suffix}"
    assert (
        Place(EmbedderSettings(cache=str(tmp_path / "own")), tmp_path / "root").of(WEIGHTS).parent == tmp_path / "own"
    )


def test_an_export_is_found_without_the_model_it_was_made_from(tmp_path):
    """By the name of the model or by the pinned hash of its weights: a server needs no weights of the source."""
    folder = static_export(Place(SETTINGS, tmp_path).of(WEIGHTS), model=SETTINGS.model)
    assert Place(SETTINGS, tmp_path).find() == folder
    pinned = msgspec.structs.replace(SETTINGS, model="another name", sha256=WEIGHTS)
    assert Place(pinned, tmp_path).find() == folder


def test_where_the_model_is_its_weights_decide(tmp_path):
    """An export of the weights that were in the folder before must not be used."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"old")
    settings = msgspec.structs.replace(SETTINGS, model=str(model))
    place = Place(settings, tmp_path)
    static_export(place.of(hashlib.sha256(b"old").hexdigest()), model=str(model))
    assert place.find().is_dir()
    (model / "model.safetensors").write_bytes(b"new")
    with pytest.raises(ModelError, match="there is no static export"):
        place.find()


def test_a_missing_export_names_the_command(tmp_path):
    """One line that says what to run; an export for another model or backend does not count."""
    static_export(Place(SETTINGS, tmp_path).of(WEIGHTS), model="another name")
    with pytest.raises(ModelError, match=r"no static export of 'somewhere/model' .*; run: preceptor embedder export"):
        Place(SETTINGS, tmp_path).find()


def test_an_open_choice_is_refused(tmp_path):
    """Two exports of one name were made from two weights: only a pinned hash can tell them apart."""
    for weights in (WEIGHTS, "cd" * 32):
        static_export(Place(SETTINGS, tmp_path).of(weights), model=SETTINGS.model)
    with pytest.raises(ModelError, match=r"there are 2 of the static export .* sha256"):
        Place(SETTINGS, tmp_path).find()
    pinned = msgspec.structs.replace(SETTINGS, sha256="cd" * 32)
    assert Place(pinned, tmp_path).find().name == "cdcdcdcdcdcd-static"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "vectors.npz").write_bytes(b"other"), r"vectors\.npz is damaged"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"cannot read .*tokenizer\.json"),
        (lambda folder: (folder / "meta.json").write_text("{}"), r"meta\.json is damaged"),
        (lambda folder: (folder / "meta.json").unlink(), r"cannot read .*meta\.json"),
    ],
)
def test_what_is_damaged_is_refused(tmp_path, damage, problem):
    """With the file and the command that makes it anew."""
    folder = static_export(tmp_path / "export")
    assert read(folder).files.keys() == {"vectors.npz", "tokenizer.json"}
    damage(folder)
    with pytest.raises(ModelError, match=f"{problem}.*preceptor embedder export"):
        read(folder)


def test_a_draft_takes_its_place_whole(tmp_path):
    """Nobody sees half of an export; afterwards everyone may read it and no draft is left."""
    place = Place(SETTINGS, tmp_path)
    with place.draft(WEIGHTS) as draft:
        (draft / "vectors.npz").write_bytes(b"vectors")
        exports.write(draft, described("static", model=SETTINGS.model))
        with pytest.raises(ModelError, match="there is no static export"):
            place.find()
    assert place.find() == place.of(WEIGHTS)
    assert read(place.find()).model == SETTINGS.model
    assert place.find().stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["abababababab-static"]


def test_a_failed_draft_leaves_nothing(tmp_path):
    """An interrupted export can simply be run again."""

    def interrupted():
        with Place(SETTINGS, tmp_path).draft(WEIGHTS) as draft:
            (draft / "vectors.npz").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(("broken", "kept"), [(False, "faster"), (True, "slower")])
def test_of_two_that_export_the_first_wins(tmp_path, broken, kept):
    """Servers may already use it; only what is damaged is replaced."""
    place = Place(SETTINGS, tmp_path)
    with place.draft(WEIGHTS) as draft:
        exports.write(draft, described("static", model="slower"))
        faster = static_export(place.of(WEIGHTS), model="faster")
        if broken:
            (faster / "vectors.npz").unlink()
    assert json.loads((place.of(WEIGHTS) / "meta.json").read_text())["model"] == kept


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path):
    """A file where the folder should be, a read-only disk: told with the path."""
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ModelError, match=r"cannot write to .*cache"), Place(SETTINGS, tmp_path).draft(WEIGHTS):
        pass

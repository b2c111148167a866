from __future__ import annotations

import logging
import sys
import warnings

import numpy as np
import pytest

from domain.errors import ModelError
from embedders import exports
from embedders.app import build
from embedders.exporting import export_int8, fidelity
from embedders.onnx_int8 import OnnxInt8Embedder
from tests.unit.embedders.samples import described, int8_export

pytestmark = pytest.mark.slow  # torch and sentence-transformers

TEXTS = ["where is my order?", "refund the parcels", "x", "", "é a refund " * 40, "zebra"]


def test_a_graph_gives_the_vectors_of_its_model(source, tiny, tmp_path):
    """With the pooling of the model, for one token as for a text that both cut; what is made is only the graph."""
    steps = []
    found = export_int8(source, tmp_path, progress=lambda *step: steps.append(step))
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert steps == [(1, 2), (2, 2)]
    found.tokenizer.save(str(tmp_path / exports.TOKENIZER))
    exports.write(tmp_path, described("onnx-int8"))
    made = OnnxInt8Embedder.load(tmp_path, name="tiny")
    cosines = np.sum(made.embed(TEXTS) * source.embed(TEXTS), axis=1)
    assert (cosines > 0.95).all()
    assert fidelity(source, tmp_path) > 0.98


def test_an_export_is_quiet_and_leaves_no_filter_behind(source, tmp_path, capfd, caplog):
    """The libraries talk much; our user sees a bar."""
    before = list(warnings.filters), logging.getLogger("torch.onnx").level
    export_int8(source, tmp_path, progress=lambda *_: None)
    assert (list(warnings.filters), logging.getLogger("torch.onnx").level) == before
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_a_graph_that_is_not_the_model_is_refused(source, tmp_path):
    """A model that cannot bear 8 bits, or that torch exports wrongly, must not watch anything."""
    with pytest.raises(ModelError, match=r"has cosine -?0\.\d\d with it, less than 0\.9"):
        fidelity(source, int8_export(tmp_path / "other"))


@pytest.mark.timeout(300)
def test_the_default_model_survives_eight_bits(minilm):
    """Cosine 0.95 to the model it was made from on the mean, and every text stays nearest to itself."""
    texts = [
        "where is my parcel",
        "when does my package arrive",
        "I was charged twice, give me the money back",
        "how warm will it be in Oslo tomorrow",
        "play some jazz in the living room",
        "Wie ändere ich meine Lieferadresse?",
        "book a table for six at eight",
        "the pump reports error 41 after twenty minutes",
    ]
    wanted, found = build(minilm["sentence-transformers"]).embed(texts), build(minilm["onnx-int8"]).embed(texts)
    cosines = found @ wanted.T
    assert cosines.diagonal().mean() > 0.98
    assert cosines.diagonal().min() > 0.95
    assert (cosines.argmax(axis=1) == np.arange(len(texts))).all()
    stated = exports.read(exports.Place(minilm["onnx-int8"], exports.Path()).find()).cosine
    assert stated is not None
    assert stated > 0.98


def test_what_the_export_needs_is_named(source, tmp_path, monkeypatch):
    """A machine that only runs models has no exporter."""
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelError, match="the export needs onnxscript; run: pip install onnx onnxruntime onnxscript"):
        export_int8(source, tmp_path, progress=lambda *_: None)


def test_a_model_that_torch_cannot_trace_is_one_line(source, tmp_path, monkeypatch):
    """A branch on values is not a graph; the exporter's report of hundreds of lines stays away."""
    import torch

    forward = source.model[0].model.forward

    def branching(input_ids, **options):
        if torch.sum(input_ids).item() % 2:
            raise ValueError
        return forward(input_ids=input_ids, **options)

    monkeypatch.setattr(source.model[0].model, "forward", branching)
    with pytest.raises(ModelError, match=r"torch cannot export '.*': .*Error; use the backend") as caught:
        export_int8(source, tmp_path, progress=lambda *_: None)
    assert "\n" not in str(caught.value)

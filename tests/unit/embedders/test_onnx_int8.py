from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from domain.errors import ModelError
from embedders import exports
from embedders.onnx_int8 import OnnxInt8Embedder
from tests.unit.embedders.samples import WORDS, described, int8_export, table


@pytest.fixture
def folder(tmp_path):
    """An export made by hand."""
    return int8_export(tmp_path / "export")


def test_a_vector_is_what_the_graph_gives_at_length_one(folder):
    """Between the marks that the model was trained with."""
    (row,) = OnnxInt8Embedder.load(folder, name="by hand").embed(["where is"])
    mean = table()[[WORDS.index(word) for word in ("[CLS]", "where", "is", "[SEP]")]].mean(0)
    assert np.allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_name_and_hash_are_those_of_the_configuration_and_the_export(folder):
    """By which a reference knows the embedder again."""
    embedder = OnnxInt8Embedder.load(folder, name="package:it")
    assert (embedder.name, embedder.sha256) == ("package:it", exports.read(folder).sha256)


def test_a_repeated_text_runs_once(folder, monkeypatch):
    """Traffic repeats itself, and the second vector of a text costs nothing."""
    embedder, seen = OnnxInt8Embedder.load(folder, name="by hand"), []
    vector = embedder._vector
    monkeypatch.setattr(embedder, "_vector", lambda text: (seen.append(text), vector(text))[1])
    rows = embedder.embed(["refund", "order", "refund"])
    assert seen == ["refund", "order"]
    assert np.array_equal(rows[0], rows[2])


def test_a_file_that_is_no_graph_is_one_line(folder):
    """Also where its hash is right."""
    (folder / "model.onnx").write_bytes(b"no graph")
    exports.write(folder, described("onnx-int8"))
    with pytest.raises(ModelError, match=r"cannot load .*model\.onnx.*preceptor embedder export"):
        OnnxInt8Embedder.load(folder, name="by hand")


def test_without_the_library_the_error_says_what_to_install(folder, monkeypatch):
    """A machine without ONNX Runtime gets one line."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="pip install onnxruntime"):
        OnnxInt8Embedder.load(folder, name="by hand")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx_int8.OnnxInt8Embedder", "static.StaticEmbedder"])
def test_loading_an_export_imports_neither_torch_nor_transformers(name):
    """That is what exports are for: a small image and a quick start."""
    module, kind = name.split(".")
    code = (
        "import sys, tempfile; from pathlib import Path\n"
        f"from embedders.{module} import {kind}\nfrom tests.unit.embedders import samples\n"
        f"make = samples.{'static' if module == 'static' else 'int8'}_export\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        f"    {kind}.load(make(Path(folder) / 'export'), name='a').embed(['where is my order'])\n"
        "print({'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

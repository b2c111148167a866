from __future__ import annotations

import numpy as np
import pytest

from domain.errors import ModelError
from embedders import exports
from embedders.static import StaticEmbedder
from tests.unit.embedders.samples import DIMENSIONS, WORDS, described, static_export, table


@pytest.fixture
def embedder(tmp_path):
    """A table made by hand."""
    return StaticEmbedder.load(static_export(tmp_path / "export"), name="by hand")


def test_a_text_is_the_mean_of_its_tokens(embedder):
    """At length 1, in any order of the words, without the marks of the model."""
    rows = embedder.embed(["where is my order", "order my is where"])
    mean = table()[[WORDS.index(word) for word in ("where", "is", "my", "order")]].mean(0)
    assert np.allclose(rows, mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.parametrize("text", ["", "  \n", "你好", "zebra [unused1]", "[CLS] [SEP]"])
def test_a_text_without_a_known_token_has_a_fixed_direction(embedder, text):
    """Never NaN, which would poison every distance it is part of."""
    (row,) = embedder.embed([text])
    assert np.allclose(row, DIMENSIONS**-0.5)


def test_an_unknown_word_changes_nothing(embedder):
    """Names and numbers of a text must not push it anywhere."""
    rows = embedder.embed(["refund the order", "refund zebra the order"])
    assert np.allclose(rows[0], rows[1], atol=1e-6)


def test_a_file_that_is_no_table_is_one_line(tmp_path):
    """Also where its hash is right."""
    folder = static_export(tmp_path / "export")
    np.savez(folder / "vectors.npz", other=np.zeros(3))
    exports.write(folder, described("static"))
    with pytest.raises(ModelError, match=r"cannot load .*vectors\.npz.*preceptor embedder export"):
        StaticEmbedder.load(folder, name="by hand")

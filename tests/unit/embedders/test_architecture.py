from __future__ import annotations

import pytest

from domain.errors import ModelError
from embedders.architecture import examine
from tests.unit.embedders.samples import DIMENSIONS, MAX_LENGTH, WORDS

pytestmark = pytest.mark.slow  # torch and sentence-transformers


def test_the_parts_are_those_of_the_model(source, tiny):
    """Pooling, longest input and size come from the model's own files."""
    found = examine(source.model, name="tiny")
    assert found.pooling == ("cls" if "cls" in str(tiny) else "mean")
    assert (found.max_length, found.dimensions) == (MAX_LENGTH, DIMENSIONS)
    assert found.marks() == ([WORDS.index("[CLS]")], [WORDS.index("[SEP]")])


def test_the_tokenizer_is_free_of_what_batches_left_in_it(source):
    """A batch pads and cuts; an export must do neither by accident."""
    source.embed(["where is my order", "refund"])
    tokenizer = examine(source.model, name="tiny").tokenizer
    assert (tokenizer.padding, tokenizer.truncation) == (None, None)


def test_what_an_export_cannot_imitate_is_refused(source):
    """With the name of the model, the reason, and the backend that can run it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling

    transformer, pooling = source.model[0], source.model[1]
    changed = {
        "it consists of Transformer, Pooling, Dense": [transformer, pooling, Dense(DIMENSIONS, 8)],
        "it consists of Transformer, not": [transformer],
        "its pooling is 'max'": [transformer, Pooling(DIMENSIONS, pooling_mode="max")],
    }
    for problem, parts in changed.items():
        with pytest.raises(ModelError, match=f"cannot export 'tiny': {problem}.*sentence-transformers"):
            examine(SentenceTransformer(modules=parts, device="cpu"), name="tiny")
    prompted = SentenceTransformer(modules=[transformer, pooling], device="cpu", prompts={"query": "query: "})
    prompted.default_prompt_name = "query"
    with pytest.raises(ModelError, match="changes texts"):
        examine(prompted, name="tiny")

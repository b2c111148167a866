"""Vectors: no text, and tokens to pay for."""

from __future__ import annotations

import msgspec
import pytest
from openai.types import CreateEmbeddingResponse

from domain.records import Usage
from gateway.answers import Answer
from gateway.dialect import Head
from gateway.dialects.embeddings.answer import NothingToRedact, whole, withheld


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":5,"total_tokens":5}}', Usage(5, 0)),
        (b'{"data":[{"embedding":"AAAA"}]}', Usage()),
        (b'{"data":[],"usage":null}', Usage()),
    ],
)
def test_an_answer_has_only_usage(body, usage):
    """Vectors as numbers or in base64 have no choices and no texts."""
    assert whole(body) == Answer((), usage)
    assert whole(body).subject("in").texts == ()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"error":{"message":"x"}}', b'{"data":7}'])
def test_what_is_no_list_is_an_error(body):
    """Anything but a list of embeddings is refused."""
    with pytest.raises(msgspec.DecodeError):
        whole(body)


def test_a_withheld_answer_has_no_vectors():
    """A blocked answer is an empty list that says what was paid."""
    found = CreateEmbeddingResponse.model_validate_json(withheld(Answer((), Usage(5, 0)), Head("i", 5, "m")))
    assert (found.data, found.model, found.usage.total_tokens) == ([], "m", 5)


def test_there_is_nothing_to_redact():
    """Vectors stay as they were."""
    assert NothingToRedact().apply(b"x") == b"x"

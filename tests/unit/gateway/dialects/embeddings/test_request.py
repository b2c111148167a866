"""Requests for embeddings: inputs of every form, what is refused, and that nothing else changes."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.embeddings.dialect import EmbeddingsDialect
from gateway.errors import ApiError


def _decode(**fields):
    return EmbeddingsDialect().decode(json.dumps({"model": "x", **fields}).encode())


@pytest.mark.parametrize(
    ("given", "texts"),
    [("a", ["a"]), ("", []), (["a", "b"], ["a", "b"]), ([1, 2], []), ([[1], [2, 3]], []), ([], [])],
)
def test_every_text_is_seen(given, texts):
    """All inputs are shown to the policies; numbers of tokens have no text."""
    call = _decode(input=given, user="u")
    assert (list(call.texts), call.input_text) == (texts, "\n".join(texts))
    assert (call.user, call.stream) == ("u", False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, None),
        ({"input": None}, "input"),
        ({"input": 7}, "input"),
        ({"input": ["a", {}]}, "input[1]"),
        ({"input": "a", "stream": True}, "stream"),
        ({"input": "a", "user": 7}, "user"),
    ],
)
def test_bad_fields_are_400_and_named(fields, param):
    """A field that is wrong is refused with its path; vectors are not streamed."""
    with pytest.raises(ApiError) as caught:
        _decode(**fields)
    assert caught.value.status == 400
    assert json.loads(caught.value.body)["error"]["param"] == param


def test_only_the_model_changes_on_the_way():
    """Every value but `model` reaches the upstream as the bytes it was, whatever else is wished."""
    body = b'{"dimensions": 256, "model": "x", "encoding_format":"base64", "input": ["\\u00e9",  "b"], "stream":false}'
    dialect = EmbeddingsDialect()
    sent = dialect.for_model(dialect.decode(body), "y", usage=True, logprobs=True)
    assert sent == (
        b'{"dimensions":256,"model":"y","encoding_format":"base64","input":["\\u00e9",  "b"],"stream":false}'
    )

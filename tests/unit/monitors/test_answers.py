"""The teacher's text, from each endpoint."""

from __future__ import annotations

import json

import pytest

from domain.errors import UpstreamError
from domain.records import Usage
from monitors.answers import Reply, comparable, read

CHAT = {"choices": [{"message": {"content": "refund"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}
COMPLETION = {"choices": [{"text": "refund", "finish_reason": "length"}], "usage": {"completion_tokens": 2}}
MESSAGE = {
    "type": "message",
    "content": [{"type": "refusal", "refusal": "x"}, {"type": "output_text", "text": "refund"}],
}
RESPONSE = {"status": "completed", "output": [{"type": "reasoning"}, MESSAGE], "usage": {"input_tokens": 3}}


@pytest.mark.parametrize(
    ("endpoint", "body", "usage"),
    [
        ("/chat/completions", CHAT, Usage(7, 0)),
        ("/completions", COMPLETION, Usage(0, 2)),
        ("/responses", RESPONSE, Usage(3, 0)),
        ("/responses", {**RESPONSE, "usage": None}, Usage()),
    ],
)
def test_the_text_is_found(endpoint, body, usage):
    """Every endpoint has its own place for text and tokens."""
    assert read(endpoint, json.dumps(body).encode()) == Reply("refund", usage)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/chat/completions", {"choices": []}),
        ("/chat/completions", {"choices": [{"message": {"content": "a"}, "finish_reason": "content_filter"}]}),
        ("/completions", {"choices": [{"text": None}]}),
        ("/completions", {"choices": [{"text": "a", "finish_reason": "content_filter"}]}),
        ("/responses", {"status": "incomplete", "output": [MESSAGE]}),
        ("/responses", {"status": "completed", "output": [{"type": "function_call"}]}),
        ("/embeddings", {"data": []}),
    ],
)
def test_what_cannot_be_compared_is_an_error(endpoint, body):
    """A teacher that says nothing comparable never counts as one that disagrees."""
    with pytest.raises(UpstreamError):
        read(endpoint, json.dumps(body).encode())


def test_vectors_are_not_compared():
    """An endpoint without texts gives no pairs."""
    assert comparable("/chat/completions")
    assert not comparable("/embeddings")

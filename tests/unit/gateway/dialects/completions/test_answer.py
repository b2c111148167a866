"""Completions: a streamed one and a whole one must show the policies the same texts."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Usage
from gateway.answers import Choice
from gateway.dialects.completions.answer import CompletionReader, logprobs, only_usage, whole


def _chunk(*choices, **fields):
    return json.dumps({"choices": list(choices), **fields}).encode()


def test_every_choice_has_its_text():
    """Each choice brings its text and its end; one without text has none."""
    body = _chunk(
        {"index": 1, "text": "b", "finish_reason": "length"},
        {"index": 0, "text": "a", "finish_reason": "stop", "logprobs": None},
        {"index": 2, "text": "", "finish_reason": None},
        usage={"prompt_tokens": 3, "completion_tokens": 4},
    )
    answer = whole(body)
    assert answer.choices == (Choice(0, {"content": "a"}, "stop"), Choice(1, {"content": "b"}, "length"), Choice(2))
    assert answer.usage == Usage(3, 4)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3), st.integers(1, 7))
def test_streamed_and_whole_answers_are_the_same(texts, size):
    """The same texts in pieces, choices interleaved, give the same answer as in one body."""
    reader = CompletionReader()
    for start in range(0, 20, size):
        for index, text in enumerate(texts):
            reader.add(_chunk({"index": index, "text": text[start : start + size], "finish_reason": None}))
    ends = [{"index": index, "text": "", "finish_reason": "stop"} for index in range(len(texts))]
    reader.add(_chunk(*ends))
    complete = _chunk(*({"index": i, "text": text, "finish_reason": "stop"} for i, text in enumerate(texts)))
    assert reader.build() == whole(complete)


@pytest.mark.parametrize(
    ("choice", "speaks"),
    [
        ({"text": ""}, False),
        ({"text": None}, False),
        ({"text": "a"}, True),
        ({"text": "", "finish_reason": "stop"}, True),
    ],
)
def test_a_text_or_an_end_speaks(choice, speaks):
    """Until one of them has come another model may answer."""
    reader = CompletionReader()
    reader.add(_chunk(choice))
    assert reader.speaks is speaks
    assert not reader.ended


@pytest.mark.parametrize(
    ("chunk", "only"),
    [
        (_chunk(usage={"prompt_tokens": 1}), True),
        (_chunk(usage=None), False),
        (_chunk({"text": "a"}, usage={"prompt_tokens": 1}), False),
    ],
)
def test_a_chunk_of_usage_is_known(chunk, only):
    """The last chunk of a stream may hold nothing but the usage."""
    assert only_usage(chunk) is only


def test_every_token_has_its_log_probability():
    """All choices are told apart; the first token of an echoed prompt has none."""
    body = _chunk(
        {"index": 0, "text": "ab", "logprobs": {"tokens": ["a", "b"], "token_logprobs": [None, -0.5]}},
        {"index": 1, "text": "c", "logprobs": {"token_logprobs": [-1]}},
        {"index": 2, "text": "d", "logprobs": None},
        {"index": 3, "text": "e", "logprobs": {"token_logprobs": None}},
    )
    assert logprobs(body) == [(0, -0.5), (1, -1.0)]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'{"error":{"message":"x"}}', b'{"choices":7}', b'{"choices":[{"text":7}]}']
)
def test_what_is_no_completion_is_an_error(body):
    """Anything but a completion is refused, an error object in a stream too."""
    with pytest.raises(msgspec.DecodeError):
        whole(body)

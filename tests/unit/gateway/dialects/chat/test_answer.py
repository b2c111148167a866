"""Answers: a streamed one and a whole one must show the policies the same texts."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Usage
from gateway.dialects.chat.answer import ChatReader, logprobs, only_usage, whole


def _whole(*messages, **fields):
    choices = [{"index": i, "message": m, "finish_reason": "stop"} for i, m in enumerate(messages)]
    return whole(json.dumps({"choices": choices, **fields}).encode())


@pytest.mark.parametrize(
    ("message", "texts", "proper"),
    [
        ({"content": "a"}, ("a",), (0,)),
        ({"content": None}, ("",), (0,)),
        ({}, ("",), (0,)),
        ({"content": "", "refusal": "no"}, ("", "no"), (0,)),
        ({"content": "a", "reasoning_content": "b"}, ("a", "b"), (0,)),
        ({"content": "", "reasoning_content": "b"}, ("", "b"), (0,)),
        ({"content": "a", "reasoning": "b"}, ("a", "b"), (0,)),
        ({"content": None, "tool_calls": [{"function": {"arguments": "{}"}}]}, ("", "{}"), ()),
        ({"content": "a", "tool_calls": [{"function": {"arguments": "x"}}]}, ("a", "x"), (0,)),
        (
            {"content": None, "tool_calls": [{"function": {"arguments": "x"}}, {"custom": {"input": "y"}}]},
            ("", "x", "y"),
            (),
        ),
        ({"content": None, "function_call": {"name": "f", "arguments": "x"}}, ("", "x"), ()),
        ({"content": [{"type": "text", "text": "a"}]}, ('[{"type":"text","text":"a"}]',), (0,)),
        ({"content": None, "tool_calls": [{"function": {"arguments": {"k": "v"}}}]}, ("", '{"k":"v"}'), ()),
    ],
)
def test_every_text_is_a_subject(message, texts, proper):
    """All that a model can write in a message is seen, and only a content is an answer proper."""
    answer = _whole(message)
    subject = answer.subject("in")
    assert (subject.texts, subject.answers, subject.input_text) == (texts, proper, "in")
    assert len(answer.slots) == len(texts)


def test_all_choices_are_seen():
    """With n > 1 each choice brings its texts and its answer."""
    subject = _whole({"content": "a", "refusal": "b"}, {"content": "c"}).subject("")
    assert (subject.texts, subject.answers) == (("a", "b", "c"), (0, 2))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["content", "refusal", "reasoning_content", "tool_calls.0", "tool_calls.1"]),
            st.text(min_size=1, max_size=30),
            min_size=1,
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 7),
)
def test_streamed_and_whole_answers_are_the_same(choices, size):
    """The same texts in pieces, choices interleaved, give the same answer as in one body."""
    reader = ChatReader()
    for start in range(0, 30, size):
        for index, texts in enumerate(choices):
            for place, text in texts.items():
                if piece := text[start : start + size]:
                    chunk = {"choices": [{"index": index, "delta": _message({place: piece}, indexed=True)}]}
                    reader.add(json.dumps(chunk).encode())
    for index in range(len(choices)):
        reader.add(json.dumps({"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]}).encode())
    streamed = reader.build()
    complete = _whole(*(_message(texts, indexed=False) for texts in choices))
    assert [(c.index, c.texts, c.finish_reason) for c in streamed.choices] == [
        (c.index, c.texts, c.finish_reason) for c in complete.choices
    ]


def _message(texts, *, indexed):
    message = {place: text for place, text in texts.items() if not place.startswith("tool")}
    calls = []
    for number in (0, 1):
        arguments = texts.get(f"tool_calls.{number}")
        if arguments is not None or not indexed:
            call = {"function": {"arguments": arguments or ""}}
            calls.append({"index": number, **call} if indexed else call)
    return {**message, "tool_calls": calls} if calls else message


def test_parallel_tool_calls_keep_their_places():
    """Two calls in one chunk, in any order, are told apart by their index."""
    calls = [{"index": 1, "function": {"arguments": "b"}}, {"index": 0, "function": {"arguments": "a"}}]
    reader = ChatReader()
    for _ in range(2):
        reader.add(json.dumps({"choices": [{"delta": {"tool_calls": calls}}]}).encode())
    assert reader.build().choices[0].texts == {"tool_calls.0": "aa", "tool_calls.1": "bb"}


def test_usage_is_the_last_word():
    """The usage of the final chunk counts, and a null one says nothing."""
    reader = ChatReader()
    reader.add(b'{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}')
    reader.add(b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}')
    reader.add(b'{"choices":[],"usage":null}')
    assert reader.build().usage == Usage(3, 4)


def test_a_role_is_no_speech():
    """A preamble announces; a text, a tool call or an end speaks."""
    for delta, reason, speaks in (
        ({"role": "assistant", "content": ""}, None, False),
        ({"content": "a"}, None, True),
        ({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]}, None, True),
        ({}, "stop", True),
    ):
        reader = ChatReader()
        reader.add(json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}).encode())
        assert reader.speaks is speaks


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"error":{"message":"x"}}', b'{"choices":7}'])
def test_what_is_no_completion_is_an_error(body):
    """Anything but a chat completion is refused, an error object in a stream too."""
    with pytest.raises(msgspec.DecodeError):
        whole(body)


def test_logprobs_are_told_by_choice():
    """Every token of every choice, refusals too, is read with the choice it belongs to."""
    tokens = {"content": [{"token": "a", "logprob": -1.5}], "refusal": [{"token": "b", "logprob": -2.0}]}
    choices = [{"index": 1, "logprobs": tokens}, {"index": 0, "logprobs": None}, {"index": 2}]
    assert logprobs(json.dumps({"choices": choices}).encode()) == [(1, -1.5), (1, -2.0)]


@pytest.mark.parametrize(
    ("chunk", "only"),
    [
        (b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}', True),
        (b'{"choices":[],"usage":null}', False),
        (b'{"choices":[]}', False),
        (b'{"choices":[{"delta":{"content":"prompt_tokens"}}],"usage":null}', False),
        (b'{"choices":[{"delta":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}', False),
    ],
)
def test_the_usage_chunk_is_known(chunk, only):
    """Only a chunk with a usage and without a choice is the usage chunk."""
    assert only_usage(chunk) is only

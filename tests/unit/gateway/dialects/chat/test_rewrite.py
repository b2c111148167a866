"""Rewriting: redacted and withheld answers keep their shape and leak nothing."""

from __future__ import annotations

import json

import pytest

from domain.records import Usage
from gateway.answers import Answer, Choice
from gateway.dialect import Head
from gateway.dialects.chat import rewrite
from gateway.dialects.chat.answer import ChatReader, whole
from gateway.dialects.chat.dialect import ChatDialect

SECRET = "SECRET"
HEAD = Head("i", 5, "m")


def _call(**options):
    request = {"model": "m", "messages": [{"role": "user"}], "stream": True, "stream_options": options}
    return ChatDialect().decode(json.dumps(request).encode())


def _redact(answer, texts):
    return rewrite.ChatRedactor(answer.changes(texts))


def test_a_redacted_body_changes_in_its_text_only():
    """Unknown fields and long integers stay as they were; log-probabilities, which spell the text, go."""
    body = (
        b'{"id":"a","big":12345678901234567890123,"choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":"my SECRET","x":1.50},"logprobs":{"content":[{"token":"SECRET"}]},"finish_reason":"stop"}]}'
    )
    sent = _redact(whole(body), ("my [x]",)).apply(body)
    assert SECRET.encode() not in sent
    assert b'"big":12345678901234567890123' in sent
    assert b'"x":1.50' in sent
    assert whole(sent).choices[0].texts == {"content": "my [x]"}


@pytest.mark.parametrize(
    "message",
    [
        {"content": SECRET},
        {"content": "fine", "refusal": SECRET},
        {"content": None, "reasoning_content": SECRET},
        {"content": "", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": SECRET}}]},
        {"content": "", "tool_calls": [{"id": "1", "custom": {"name": "f", "input": SECRET}}]},
        {"content": "", "function_call": {"name": "f", "arguments": SECRET}},
        {"content": "", "tool_calls": [{"function": {"arguments": "ok"}}, {"function": {"arguments": SECRET}}]},
    ],
)
def test_every_place_can_be_redacted(message):
    """Wherever a model writes, the redacted text stands in the same place, and names of tools stay."""
    body = json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
    answer = whole(body)
    texts = tuple(text.replace(SECRET, "[x]") for text in answer.subject("").texts)
    sent = _redact(answer, texts).apply(body)
    assert json.loads(sent) == json.loads(body.replace(SECRET.encode(), b"[x]"))


def test_a_redacted_stream_says_the_text_once():
    """Of a stream, the first piece has all of the redacted text and no later one repeats it or shows the old."""
    deltas = [{"role": "assistant", "content": ""}, {"content": "my SEC"}, {"content": "RET"}, {"refusal": "kept"}, {}]
    chunks = [json.dumps({"id": "a", "choices": [{"index": 0, "delta": delta}]}).encode() for delta in deltas]
    reader = ChatReader()
    for chunk in chunks:
        reader.add(chunk)
    redactor = _redact(reader.build(), ("my [x]", "kept"))
    again = ChatReader()
    sent = [redactor.apply(chunk) for chunk in chunks]
    for chunk in sent:
        again.add(chunk)
    assert again.build().choices[0].texts == {"content": "my [x]", "refusal": "kept"}
    assert b"SEC" not in b"".join(sent)
    assert sent[4] == chunks[4].replace(b" ", b"")


def test_choices_are_redacted_apart():
    """The text of one choice never lands in another, though both use the same place."""
    body = b'{"choices":[{"index":1,"message":{"content":"b"}},{"index":0,"message":{"content":"a"}}]}'
    sent = json.loads(_redact(whole(body), ("[x]", "b")).apply(body))
    assert [choice["message"]["content"] for choice in sent["choices"]] == ["b", "[x]"]


def test_withheld_answers_have_no_text():
    """A blocked answer says so in each `finish_reason`, whole or streamed, with the usage that was paid."""
    answer = Answer((Choice(0, {"content": SECRET}), Choice(1, {"refusal": SECRET})), Usage(7, 3))
    body = rewrite.withheld(answer, HEAD)
    events = rewrite.withheld_events(_call(include_usage=True), answer, HEAD)
    assert SECRET.encode() not in body + b"".join(events)
    assert {choice["finish_reason"] for choice in json.loads(body)["choices"]} == {"content_filter"}
    assert json.loads(body)["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    reader = ChatReader()
    for event in events:
        reader.add(event)
    assert [choice.finish_reason for choice in reader.build().choices] == ["content_filter"] * 2
    assert reader.build().usage == answer.usage
    assert len(rewrite.withheld_events(_call(include_usage=False), answer, HEAD)) == 2


def test_logprobs_can_be_taken_out():
    """Log-probabilities become null, and nothing else changes by a byte."""
    chunk = b'{"big":12345678901234567890123,"choices":[{"index":0,"logprobs":{"content":[]},"x":1.50},{"index":1}]}'
    sent = b'{"big":12345678901234567890123,"choices":[{"index":0,"logprobs":null,"x":1.50},{"index":1}]}'
    assert rewrite.without_logprobs(chunk) == sent

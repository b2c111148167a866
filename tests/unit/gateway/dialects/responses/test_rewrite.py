"""Rewriting: redacted and withheld responses keep their shape and leak nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response

from domain.records import Usage
from gateway.answers import Answer, Choice
from gateway.dialect import Head
from gateway.dialects.responses.answer import ResponsesReader, whole
from gateway.dialects.responses.dialect import ResponsesDialect
from gateway.dialects.responses.rewrite import (
    ResponsesRedactor,
    cut_off,
    rewritten,
    withheld,
    withheld_events,
    without_logprobs,
)

HEAD = Head("resp_1", 5, "m")


def _read(events):
    reader = ResponsesReader()
    for event in events:
        reader.add(event)
    return reader.build()


def _redaction(answer, secret):
    texts = tuple(text.replace(secret, "[x]") for text in answer.subject("").texts)
    return answer.changes(texts)


def _spoken(events):
    """What a client puts together from the pieces, by place."""
    said = {}
    for event in map(json.loads, events):
        if event["type"].endswith(".delta"):
            place = (event["type"], event["output_index"], event.get("content_index"), event.get("summary_index"))
            said[place] = said.get(place, "") + event["delta"]
    return said


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 9), st.lists(st.integers(0, 3), max_size=40))
def test_no_event_repeats_a_redacted_text(wire, data, size, turns):
    """Whatever the output and in whatever order its items come, no event and no sum of pieces shows what must go."""
    output = data.draw(wire.outputs)
    events = wire.stream(output, size=size, turns=turns)
    answer = _read(events)
    changes = _redaction(answer, wire.SECRET)
    redactor = ResponsesRedactor(changes)
    sent = [wire.checked(redactor.apply(event)) for event in events]
    if changes:
        assert wire.SECRET.encode() not in b"".join(sent)
        assert not any(wire.SECRET in text for text in _spoken(sent).values())
    assert _read(sent) == answer.with_texts(changes)


@settings(deadline=None)
@given(st.data())
def test_a_redacted_body_is_the_redacted_answer(wire, data):
    """A whole response is still one that the SDK accepts, with the redacted texts in their places."""
    body = wire.whole(data.draw(wire.outputs))
    answer = whole(body)
    changes = _redaction(answer, wire.SECRET)
    sent = ResponsesRedactor(changes).apply(body)
    Response.model_validate_json(sent)
    assert whole(sent) == answer.with_texts(changes)


def test_all_else_stays_to_the_byte():
    """Unknown fields and long integers stay as they were; log-probabilities, which spell the text, go."""
    body = (
        b'{"id":"r","big":12345678901234567890123,"output":[{"type":"message","x":1.50,"content":[{"type":"output_text",'
        b'"text":"my SECRET","logprobs":[{"token":"SECRET"}],"y":[1,  2e2]}]},{"type":"mcp_call","arguments":"ok"}]}'
    )
    sent = ResponsesRedactor({(0, "content"): "my [x]"}).apply(body)
    assert sent == body.replace(b"my SECRET", b"my [x]").replace(b'[{"token":"SECRET"}]', b"[]")
    assert ResponsesRedactor({}).apply(b'{"output": [{"type":"reasoning", "summary":[]}]}').endswith(b'"summary":[]}]}')


def test_the_first_piece_has_it_all(wire):
    """The redacted text comes with the first piece, later ones are empty, and the closing events agree."""
    events = wire.stream([wire.message(wire.said("my SECRET"))], size=4)
    redactor = ResponsesRedactor({(0, "content"): "my [x]"})
    sent = [json.loads(redactor.apply(event)) for event in events]
    assert [event["delta"] for event in sent if "delta" in event] == ["my [x]", "", ""]
    assert [event["text"] for event in sent if "text" in event] == ["my [x]"]
    assert sent[-1]["response"]["output"][0]["content"][0]["text"] == "my [x]"
    assert [event["sequence_number"] for event in sent] == list(range(len(events)))


def test_a_piece_after_a_whole_text_does_not_repeat_it():
    """Where an item begins with a text, the pieces that follow must not double the redacted one."""
    item = {"type": "function_call", "arguments": "my SEC"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "RET"},
        {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "my SECRET"},
    ]
    events = [json.dumps(event).encode() for event in events]
    answer = _read(events)
    changes = _redaction(answer, "SECRET")
    redactor = ResponsesRedactor(changes)
    sent = [redactor.apply(event) for event in events]
    assert b"SEC" not in b"".join(sent)
    assert _read(sent) == answer.with_texts(changes)


def test_a_repetition_that_says_something_else_is_redacted(wire):
    """A text that only a closing event shows must not leave either."""
    at = {"output_index": 0, "content_index": 0}
    piece = json.dumps({"type": "response.output_text.delta", **at, "delta": "good"}).encode()
    done = json.dumps({"type": "response.output_text.done", **at, "text": "SECRET"}).encode()
    answer = _read([piece, done])
    redactor = ResponsesRedactor(_redaction(answer, "SECRET"))
    assert redactor.apply(piece) == piece
    assert json.loads(redactor.apply(done))["text"] == "[x]"


def test_an_event_is_rewritten_text_by_text(wire):
    """In the order in which they stand; None keeps a text, an empty one is not counted, and log-probabilities go."""
    parts = [wire.said("one"), wire.said(""), wire.refused("two"), wire.said("three")]
    event = wire.checked(wire.stream([wire.message(*parts)])[-1])
    sent = json.loads(wire.checked(rewritten(event, ["[1]", None, "[3]"])))
    content = sent["response"]["output"][0]["content"]
    assert [part.get("text", part.get("refusal")) for part in content] == ["[1]", "", "two", "[3]"]
    assert b'"token"' not in json.dumps(sent).encode()
    assert rewritten(b'{"type":"x", "n":1.50}', []) == b'{"type":"x", "n":1.50}'


@pytest.mark.parametrize("usage", [Usage(), Usage(7, 3)])
def test_a_response_that_is_cut_off_is_the_one_that_was_announced(wire, usage):
    """Its id, its model and its fields, the next number, no text; the usage if it was told."""
    call = ResponsesDialect().decode(b'{"model":"t","input":"hi","stream":true,"temperature":0.5}')
    events = wire.stream([wire.message(wire.said(wire.SECRET))], size=2)
    (event,) = cut_off(call, Answer((Choice(0, {"content": wire.SECRET}),), usage), HEAD, events[0], events[5])
    found = json.loads(wire.checked(event))
    assert (found["type"], found["sequence_number"]) == ("response.incomplete", 6)
    before = json.loads(events[0])["response"]
    kept = {name: found["response"][name] for name in ("id", "created_at", "model", "tools", "temperature")}
    assert kept == {**{name: before[name] for name in ("id", "created_at", "model", "tools")}, "temperature": 0.5}
    assert (found["response"]["status"], found["response"]["output"]) == ("incomplete", [])
    assert found["response"]["incomplete_details"] == {"reason": "content_filter"}
    assert (found["response"]["usage"] or {}).get("total_tokens") == (None if usage == Usage() else 10)


@pytest.mark.parametrize(
    "first", [b"[DONE]", b'{"type":"ping"}', b'{"type":"response.created","response":{"id":null}}']
)
def test_a_response_that_was_not_announced_gets_our_name(wire, first):
    """Whatever a server begins with, the stream ends in an event that the SDK can read."""
    call = ResponsesDialect().decode(b'{"model":"t","input":"hi","stream":true}')
    (event,) = cut_off(call, Answer(()), HEAD, first, b"[DONE]")
    found = json.loads(wire.checked(event))
    assert (found["response"]["id"], found["response"]["created_at"], found["sequence_number"]) == ("resp_1", 5, 0)


def test_scores_can_be_taken_away_alone(wire):
    """What the cascade asked for and the client did not goes from every event, and no text changes."""
    output = [wire.message(wire.said("abc"))]
    for data in (wire.whole(output), *wire.stream(output)):
        sent = without_logprobs(data)
        assert b'"token"' not in sent
        assert json.loads(sent) == _without_scores(json.loads(data))


def _without_scores(value):
    if isinstance(value, dict):
        return {key: [] if key == "logprobs" else _without_scores(each) for key, each in value.items()}
    return [_without_scores(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("fields", [{}, {"instructions": "be kind", "temperature": 0.5, "metadata": {"a": "b"}}])
def test_withheld_answers_have_no_text(wire, fields):
    """A blocked answer is incomplete and says why, with the usage that was paid; the SDK reads it as empty."""
    dialect = ResponsesDialect()
    call = dialect.decode(json.dumps({"model": "t", "input": "hi", "stream": True, **fields}).encode())
    answer = Answer((Choice(0, {"content": wire.SECRET}),), Usage(7, 3))
    body = withheld(call, answer, HEAD)
    events = [wire.checked(event) for event in withheld_events(call, answer, HEAD)]
    found = Response.model_validate_json(body)
    assert (found.output_text, found.status, found.incomplete_details.reason) == ("", "incomplete", "content_filter")
    assert (found.usage.total_tokens, found.instructions) == (10, fields.get("instructions"))
    assert [json.loads(event)["sequence_number"] for event in events] == [0, 1, 2]
    assert json.loads(events[-1])["response"] == json.loads(body)
    assert _read(events) == whole(body)
    assert whole(body).choices[0].finish_reason == "content_filter"

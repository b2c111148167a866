"""Answers: a streamed response and a whole one must show the policies the same texts."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.records import Usage
from gateway.dialects.responses.answer import ResponsesReader, logprobs, whole


def _read(events):
    reader = ResponsesReader()
    for event in events:
        reader.add(event)
    return reader.build()


@pytest.mark.parametrize(
    ("make", "texts", "reason"),
    [
        (lambda w: [w.message(w.said("a"))], {"content": "a"}, "stop"),
        (lambda w: [], {}, "stop"),
        (lambda w: [w.message(w.said("a"), w.said("b"))], {"content": "a", "output.0.content.1": "b"}, "stop"),
        (
            lambda w: [w.reasoned("r", "s"), w.message(w.said("a")), w.message(w.said("b"))],
            {"output.0.summary.0": "r", "output.0.content.0": "s", "content": "a", "output.2.content.0": "b"},
            "stop",
        ),
        (lambda w: [w.message(w.refused("no"))], {"output.0.content.0.refusal": "no"}, "stop"),
        (lambda w: [w.called("{}")], {"function_call.0.arguments": "{}"}, "tool_calls"),
        (
            lambda w: [w.custom("x"), w.called("y")],
            {"function_call.0.input": "x", "function_call.1.arguments": "y"},
            "tool_calls",
        ),
        (lambda w: [w.shelled("ls")], {"function_call.0.action.commands.0": "ls"}, "tool_calls"),
        (lambda w: [w.coded("1+1"), w.message(w.said("2"))], {"output.0.code": "1+1", "content": "2"}, "stop"),
        (lambda w: [w.remote("q")], {"output.0.arguments": "q", "output.0.output": "fine"}, "stop"),
    ],
)
def test_every_text_has_its_place(wire, make, texts, reason):
    """All that a model can write is found, the first text of a message is the content, whole or streamed."""
    output = make(wire)
    for answer in (whole(wire.whole(output)), _read(wire.stream(output))):
        (choice,) = answer.choices
        assert (choice.index, choice.texts, choice.finish_reason) == (0, texts, reason)
        assert (answer.usage, answer.failed) == (Usage(7, 3), False)


@settings(deadline=None)
@given(st.data(), st.integers(1, 9))
def test_streamed_and_whole_answers_are_the_same(wire, data, size):
    """Whatever a response holds, its events in order show the same texts as its body."""
    output = data.draw(wire.outputs)
    assert _read(wire.stream(output, size=size)) == whole(wire.whole(output))


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("completed", None, "stop"),
        ("incomplete", {"reason": "max_output_tokens"}, "length"),
        ("incomplete", {"reason": "content_filter"}, "content_filter"),
        ("incomplete", {"reason": "steered"}, "steered"),
        ("incomplete", None, "incomplete"),
    ],
)
def test_why_it_ended_is_told(wire, status, details, reason):
    """The reason of an incomplete response is told in the words of chat completions where they have one."""
    output = [wire.message(wire.said("a"))]
    for answer in (
        whole(wire.whole(output, status, incomplete_details=details)),
        _read(wire.stream(output, end=status, incomplete_details=details)),
    ):
        assert (answer.choices[0].finish_reason, answer.failed) == (reason, False)


@pytest.mark.parametrize("status", ["failed", "cancelled", "in_progress", "queued"])
def test_a_response_that_is_not_done_has_failed(wire, status):
    """A status that promises no answer must not pass for one."""
    assert whole(wire.whole([], status)).failed


def test_a_failed_stream_has_failed(wire):
    """A `response.failed` or an `error` event ends the stream, and the answer says so."""
    error = b'{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}'
    for last in (wire.stream([], end="failed")[-1], error):
        reader = ResponsesReader()
        for event in [*wire.stream([wire.message(wire.said("a"))])[:-1], last]:
            assert not reader.ended
            reader.add(event)
        assert reader.ended
        assert reader.build().failed
        assert reader.build().choices[0].texts == {"content": "a"}


def test_announcements_do_not_speak(wire):
    """Another model may answer until the first text, and no longer."""
    events = wire.stream([wire.message(wire.said("abc"))])
    reader = ResponsesReader()
    spoke = []
    for event in events:
        reader.add(event)
        spoke.append((json.loads(event)["type"], reader.speaks))
    first = next(kind for kind, speaks in spoke if speaks)
    assert first == "response.output_text.delta"
    for end, speaks in (("completed", True), ("incomplete", True), ("failed", False)):
        reader = ResponsesReader()
        reader.add(wire.stream([], end=end)[-1])
        assert reader.speaks is speaks


def test_a_foreign_sentinel_is_harmless():
    """Some servers end any stream with [DONE]."""
    reader = ResponsesReader()
    reader.add(b"[DONE]")
    assert not reader.ended


def test_a_text_that_is_only_in_the_last_event_is_seen(wire):
    """A server may leave out the pieces, or all events but the last."""
    events = wire.stream([wire.message(wire.said("abc"))])
    assert _read(events[-1:]).choices[0].texts == {"content": "abc"}
    no_pieces = [event for event in events if b".delta" not in event]
    assert _read(no_pieces).choices[0].texts == {"content": "abc"}


def test_a_repetition_that_says_something_else_is_kept():
    """The checks must see both, for a client may read either; a beginning of what came adds nothing."""
    at = {"output_index": 0, "content_index": 0}
    events = [{"type": "response.output_text.delta", **at, "delta": "good"}]
    events += [
        {"type": "response.output_text.done", **at, "text": text} for text in ("bad", "bad", "go", "good", "worse")
    ]
    texts = _read([json.dumps(event).encode() for event in events]).choices[0].texts
    assert texts == {"content": "good", "content.restated": "bad\nworse"}


def test_a_repetition_that_goes_on_is_the_text():
    """Where the pieces were not all, the whole text counts, and only once."""
    at = {"output_index": 0, "content_index": 0}
    piece = {"type": "response.output_text.delta", **at, "delta": "good"}
    done = {"type": "response.output_text.done", **at, "text": "good day"}
    events = [json.dumps(event).encode() for event in (piece, done, done)]
    assert _read(events).choices[0].texts == {"content": "good day"}


def test_events_of_unknown_kinds_are_seen(wire):
    """A text in an event or an item that nobody knows yet must not slip by the checks."""
    piece = b'{"type":"response.song.delta","output_index":1,"item_id":"x","delta":"la "}'
    done = b'{"type":"response.song.done","output_index":1,"verse":{"text":"tra"}}'
    assert _read([piece, piece, done]).choices[0].texts == {"response.song.1": "la la ", "response.song.1.verse": "tra"}
    item = {"type": "poem_call", "id": "x", "lines": [{"name": "n", "verse": "a"}], "arguments": {"name": "b"}}
    body = json.dumps({"output": [item]}).encode()
    assert whole(body).choices[0].texts == {"output.0.lines.0.verse": "a", "output.0.arguments.name": "b"}


def test_bytes_are_no_texts():
    """Images and sounds in base64 would only slow the checks down."""
    image = {"type": "image_generation_call", "id": "x", "status": "completed", "result": "aaaa", "revised_prompt": "p"}
    assert whole(json.dumps({"output": [image]}).encode()).choices[0].texts == {"output.0.revised_prompt": "p"}
    sounds = [b'{"type":"response.audio.delta","delta":"aaaa"}', b'{"type":"response.audio.done"}']
    assert _read(sounds).choices == ()


def test_log_probabilities_are_counted_once(wire):
    """The pieces of a stream give as many as the body, though later events repeat them."""
    output = [wire.reasoned("r"), wire.message(wire.said("abcd"), wire.refused("no")), wire.called("x")]
    assert logprobs(wire.whole(output)) == [(0, -0.5)]
    streamed = [pair for event in wire.stream(output, size=4) for pair in logprobs(event)]
    assert streamed == [(0, -0.5)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"<html>", b'{"error":{"message":"x"}}', b'{"output":7}', b'{"output":[7]}', b'{"choices":[]}'],
)
def test_what_is_no_response_is_an_error(body):
    """Anything but a response is refused, and so is an event without type."""
    with pytest.raises(msgspec.DecodeError):
        whole(body)
    with pytest.raises(msgspec.DecodeError):
        ResponsesReader().add(body)

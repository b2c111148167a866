"""Spotters: every text of an event is known by where it stands in what the reader makes of all events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.responses.answer import ResponsesReader
from gateway.dialects.responses.rewrite import rewritten, without_logprobs
from gateway.dialects.responses.spotter import ResponsesSpotter

AT = {"output_index": 0, "content_index": 0}
WORD = st.text("xy", max_size=3)
ODD = st.one_of(
    st.builds(lambda text: {"type": "response.output_text.delta", **AT, "delta": text}, WORD),
    st.builds(lambda text: {"type": "response.output_text.done", **AT, "text": text}, WORD),
    st.builds(
        lambda text, n: {"type": "response.content_part.done", "output_index": n, "part": {"text": text}},
        WORD,
        st.integers(0, 1),
    ),
    st.builds(
        lambda kind, text: {"type": f"response.output_item.{kind}", "item": {"type": "message", "content": [text]}},
        st.sampled_from(["added", "done"]),
        st.fixed_dictionaries({"type": st.just("output_text"), "text": WORD}),
    ),
    st.builds(
        lambda phase, one, two: {"type": f"response.song.{phase}", "delta": one, "text": two},
        st.sampled_from(["delta", "done"]),
        WORD,
        WORD,
    ),
    st.builds(
        lambda key, one, two: {"type": "response.poem.done", key: one, "verse": {"a.b": one, "a": {"b": two}}},
        st.sampled_from(["delta", "text"]),
        WORD,
        WORD,
    ),
)


def _texts(events):
    reader = ResponsesReader()
    for event in events:
        reader.add(event)
    return {slot: text for choice in reader.build().choices for slot, text in _slots(choice)}


def _slots(choice):
    return [((choice.index, place), text) for place, text in choice.texts.items()]


def _agrees(events):
    """Written anew from the reader's texts, each event says what it said."""
    texts, spotter = _texts(events), ResponsesSpotter()
    for event in events:
        stretches = spotter.spot(event).stretches
        assert all(start < end for _, start, end in stretches)
        told = [texts[slot][start:end] for slot, start, end in stretches]
        assert json.loads(rewritten(event, told)) == json.loads(without_logprobs(event))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 9), st.lists(st.integers(0, 3), max_size=40))
def test_the_texts_stand_where_the_reader_has_them(wire, data, size, turns):
    """Whatever the output and in whatever order its items come."""
    _agrees(wire.stream(data.draw(wire.outputs), size=size, turns=turns))


@settings(max_examples=300, deadline=None)
@given(st.lists(ODD, max_size=12))
def test_so_they_do_where_a_server_contradicts_itself(events):
    """Repetitions that differ, announce, fall short or collide stand in places of the reader too."""
    _agrees([json.dumps(event).encode() for event in events])


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(1, 9))
def test_in_the_end_every_text_is_complete(wire, data, size):
    """Each is closed once its own events are over, before the response is."""
    events = wire.stream(data.draw(wire.outputs), size=size)
    spotter, closed = ResponsesSpotter(), set()
    for event in events[:-1]:
        closed |= set(spotter.spot(event).closed)
    assert closed == set(_texts(events))


@pytest.mark.parametrize(
    ("event", "closed"),
    [
        ({"type": "response.output_text.delta", **AT, "delta": "x"}, []),
        ({"type": "response.output_text.done", **AT, "text": "x"}, ["content"]),
        ({"type": "response.output_text.done", **AT, "text": ""}, []),
        ({"type": "response.content_part.added", **AT, "part": {"text": "x"}}, []),
        ({"type": "response.content_part.done", **AT, "part": {"text": "x"}}, ["output.0.content.0"]),
        ({"type": "response.output_item.added", "item": {"type": "function_call", "arguments": "x"}}, []),
        (
            {"type": "response.output_item.done", "item": {"type": "function_call", "arguments": "x"}},
            ["function_call.0.arguments"],
        ),
        ({"type": "response.in_progress", "response": {"output": [{"type": "mcp_call", "arguments": "x"}]}}, []),
        (
            {"type": "response.incomplete", "response": {"output": [{"type": "mcp_call", "arguments": "x"}]}},
            ["output.0.arguments"],
        ),
        ({"type": "response.song.delta", "delta": "x"}, []),
        ({"type": "response.song.done", "delta": "x"}, ["response.song.0"]),
    ],
)
def test_only_what_closes_something_completes_its_texts(event, closed):
    """A piece never does, an announcement may be a beginning, and an empty text may still become one."""
    spotted = ResponsesSpotter().spot(json.dumps(event).encode())
    assert spotted.closed == tuple((0, place) for place in closed)


def test_a_foreign_sentinel_says_nothing():
    """Some servers send one, and it is no JSON."""
    spotted = ResponsesSpotter().spot(b"[DONE]")
    assert (spotted.stretches, spotted.closed) == ((), ())

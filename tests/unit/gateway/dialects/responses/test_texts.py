"""The walk over responses: every text is shown, nothing else changes."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.responses.texts import Walk


def _seen(walk_one, value):
    seen = []

    def take(place, text, piece):
        seen.append((place, text, piece))
        return text

    walk_one(Walk(take), value)
    return seen


def _event(**fields):
    return json.dumps({"item_id": "i", "sequence_number": 1, **fields}).encode()


@pytest.mark.parametrize(
    ("event", "place"),
    [
        ({"type": "response.output_text.delta", "delta": "T", "content_index": 1, "output_index": 2}, "content"),
        ({"type": "response.refusal.delta", "delta": "T", "content_index": 1}, "output.0.content.1.refusal"),
        ({"type": "response.reasoning_text.delta", "delta": "T", "output_index": 1}, "output.1.content.0"),
        ({"type": "response.reasoning_summary_text.delta", "delta": "T", "summary_index": 2}, "output.0.summary.2"),
        ({"type": "response.function_call_arguments.delta", "delta": "T"}, "function_call.0.arguments"),
        ({"type": "response.custom_tool_call_input.delta", "delta": "T"}, "function_call.0.input"),
        ({"type": "response.mcp_call_arguments.delta", "delta": "T", "output_index": 4}, "output.4.arguments"),
        ({"type": "response.code_interpreter_call_code.delta", "delta": "T"}, "output.0.code"),
        (
            {"type": "response.shell_call_command.delta", "delta": "T", "command_index": 1},
            "function_call.0.action.commands.1",
        ),
        (
            {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "T"}, "command_index": 1},
            "output.0.output.1.stdout",
        ),
        ({"type": "response.audio.transcript.delta", "delta": "T"}, "response.audio.transcript.0"),
    ],
)
def test_a_piece_stands_where_the_whole_will(event, place):
    """Each kind of piece leads to the place that the item's own text has in a whole response."""
    assert _seen(Walk.event, _event(**event)) == [(place, "T", True)]


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (
            {"type": "response.content_part.done", "part": {"type": "refusal", "refusal": "T"}},
            "output.0.content.0.refusal",
        ),
        ({"type": "response.content_part.added", "part": {"type": "output_text", "text": "T"}}, "content"),
        (
            {"type": "response.reasoning_summary_part.done", "part": {"type": "summary_text", "text": "T"}},
            "output.0.summary.0",
        ),
        ({"type": "response.shell_call_command.added", "command": "T"}, "function_call.0.action.commands.0"),
        (
            {"type": "response.output_text.annotation.added", "annotation": {"type": "url_citation", "title": "T"}},
            "output.0.content.0.annotations.0.title",
        ),
        (
            {"type": "response.output_item.done", "item": {"type": "local_shell_call", "action": {"command": ["T"]}}},
            "function_call.0.action.command.0",
        ),
        (
            {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"query": "T"}}},
            "output.0.action.query",
        ),
        (
            {"type": "response.incomplete", "response": {"output": [{"type": "program", "code": "T", "id": "x"}]}},
            "output.0.code",
        ),
        ({"type": "response.completed", "response": {"output": None}}, None),
        ({"type": "response.created", "response": {"instructions": "of the request"}}, None),
        ({"type": "response.output_text.annotation.added", "annotation": None}, None),
        ({"type": "response.output_text.delta"}, None),
        ({"type": "error", "message": "the server's words"}, None),
    ],
)
def test_a_whole_text_has_one_place(event, place):
    """Whatever event repeats a text, it is shown as a whole and at its place; what is not the model's is not shown."""
    assert _seen(Walk.event, _event(**event)) == ([(place, "T", False)] if place else [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "text", "name", "id", "content"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.lists(st.fixed_dictionaries({"type": st.sampled_from(["message", "x_call", "new"]), "v": JSON}), max_size=3))
def test_a_walk_that_changes_nothing_returns_the_same_bytes(output):
    """Reading must not rewrite: a response without changes is the bytes it was, blanks included."""
    body = json.dumps({"id": "r", "output": output}, indent=1).encode()
    assert Walk(lambda place, text, piece: text).response(body) is not None
    assert Walk(lambda place, text, piece: text).response(body) == body
    event = json.dumps({"type": "response.completed", "response": {"output": output}}, indent=1).encode()
    assert Walk(lambda place, text, piece: text).event(event) == event


@given(st.lists(st.fixed_dictionaries({"type": st.just("new"), "v": JSON}), max_size=3))
def test_every_visited_text_can_be_replaced(output):
    """What is put in the place of a text is what the next walk finds there."""
    body = json.dumps({"output": output}).encode()
    sent = Walk(lambda place, text, piece: text + "!").response(body)
    before, after = _seen(Walk.response, body), _seen(Walk.response, sent)
    assert after == [(place, f"{text}!", piece) for place, text, piece in before]


def test_keys_of_free_objects_are_not_names():
    """In arguments and schemas any key may hold a text; elsewhere a name is a name."""
    item = {"type": "tool_search_call", "name": "n", "arguments": {"name": "T", "id": "U"}}
    seen = _seen(Walk.response, json.dumps({"output": [item]}).encode())
    assert [text for _, text, _ in seen] == ["T", "U"]


@pytest.mark.parametrize("data", [b"", b"7", b"{}", b'{"type":7}', b'{"type":"response.completed","response":7}'])
def test_what_is_no_event_is_an_error(data):
    """An event without a type, or with another shape, is none."""
    with pytest.raises(msgspec.DecodeError):
        Walk(lambda place, text, piece: text).event(data)

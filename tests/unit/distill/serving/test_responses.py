"""The wire format of responses: what is read, what is refused, and what the SDK accepts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from distill.serving import responses, wire

SCORES = "message.output_text.logprobs"
EVENT = TypeAdapter(ResponseStreamEvent)


def _decode(**fields):
    return responses.decode(json.dumps({"model": "v1", **fields}).encode())


def _reply(top=None):
    return wire.Reply(
        id="resp_1",
        created=7,
        model="v1",
        fingerprint="fp_1",
        labels=("a", "größe"),
        probabilities=np.array([0.25, 0.75]),
        prompt_tokens=5,
        top=top,
    )


@pytest.mark.parametrize(
    ("fields", "text", "tokens"),
    [
        ({"input": "hi there"}, "hi there", 2),
        ({"input": "hi", "instructions": "be kind"}, "hi", 3),
        ({"input": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]}, "one", 2),
        ({"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}]}, "a", 1),
        (
            {
                "input": [
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
                    {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "text", "text": "b"}]},
                ]
            },
            "a\nb",
            2,
        ),
    ],
)
def test_the_student_reads_the_last_user_message(fields, text, tokens):
    """The same text must be answered as in chat completions, whatever form the input has."""
    chat = _decode(**fields).chat()
    assert (wire.input_text(chat, param="input"), wire.prompt_tokens(chat)) == (text, tokens)


@pytest.mark.parametrize(
    ("fields", "top"),
    [
        ({}, None),
        ({"include": ["reasoning.encrypted_content"], "top_logprobs": 0}, None),
        ({"include": [SCORES]}, 0),
        ({"top_logprobs": 2}, 2),
        ({"include": [SCORES], "top_logprobs": 3}, 3),
    ],
)
def test_log_probabilities_are_given_when_included(fields, top):
    """`include` asks for them, and so does the wish for alternatives, as the gateway understands it."""
    chat = _decode(input="a", **fields).chat()
    assert ((chat.top_logprobs or 0) if chat.logprobs else None) == top


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, None),
        ({"input": 7}, None),
        ({"input": "a", "background": True}, "background"),
        ({"input": "a", "conversation": "c"}, "conversation"),
        ({"input": "a", "previous_response_id": "r"}, "previous_response_id"),
        ({"input": "a", "prompt": {"id": "p"}}, "prompt"),
        ({"input": "a", "text": {"format": {"type": "json_object"}}}, "text.format"),
        ({"input": "a", "tool_choice": "required"}, "tool_choice"),
        ({"input": "a", "top_logprobs": 21}, None),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "a"}]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input"),
    ],
)
def test_what_a_student_cannot_is_refused(fields, param):
    """Nothing that was asked for may be left out silently."""
    with pytest.raises(wire.WireError) as caught:
        _decode(**fields)
    assert (caught.value.status, json.loads(caught.value.body)["error"]["param"]) == (400, param)


def test_what_is_harmless_is_taken():
    """Nulls, sampling fields and text as the format change nothing."""
    request = _decode(input="a", text={"format": {"type": "text"}}, tool_choice="auto", temperature=1, stream=None)
    assert not request.stream


@pytest.mark.parametrize(("top", "scores"), [(None, []), (0, [0]), (2, [2])])
def test_the_whole_response_is_the_sdks(top, scores):
    """The SDK reads the label, the usage and the log-probabilities, and what the request said of itself."""
    request = _decode(input="a", instructions="be kind", metadata={"k": "v"})
    found = Response.model_validate_json(responses.completed(request, _reply(top)))
    assert (found.output_text, found.status, found.usage.total_tokens) == ("größe", "completed", 6)
    assert (found.instructions, found.metadata) == ("be kind", {"k": "v"})
    logprobs = found.output[0].content[0].logprobs
    assert [len(token.top_logprobs) for token in logprobs] == scores
    assert all(token.logprob == pytest.approx(np.log(0.75)) for token in logprobs)


def test_a_stream_says_what_the_whole_response_says():
    """Every event must be one that the SDK knows, numbered in order, and the last must be the whole response."""
    request = _decode(input="a")
    sent = [event.decode().split("\n") for event in responses.events(request, _reply(1))]
    datas = [json.loads(lines[1].removeprefix("data: ")) for lines in sent]
    for number, (lines, data) in enumerate(zip(sent, datas, strict=True)):
        EVENT.validate_python(data)
        assert (lines[0], data["sequence_number"]) == (f"event: {data['type']}", number)
    assert "".join(data.get("delta", "") for data in datas) == "größe"
    assert datas[-1]["response"] == json.loads(responses.completed(request, _reply(1)))

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest

from distill.serving import wire

USER = {"role": "user", "content": "hi there"}


def _body(**fields):
    return json.dumps({"model": "v1", "messages": [USER]} | fields).encode()


def _reply(**changes):
    fields = {
        "id": "chatcmpl-1",
        "created": 7,
        "model": "v1",
        "fingerprint": "fp_1",
        "labels": ("a", "größe", "c"),
        "probabilities": np.array([0.2, 0.8, 0.0]),
        "prompt_tokens": 5,
        "top": None,
    }
    return wire.Reply(**(fields | changes))


@pytest.mark.parametrize(
    ("raw", "status", "part"),
    [
        (b"{", 400, "could not parse the JSON"),
        (b"\xff", 400, "could not parse the JSON"),
        (b"[]", 400, "Expected `object`"),
        (b'{"model":"v1"}', 400, "messages"),
        (_body(messages="hi"), 400, "messages"),
        (_body(top_logprobs=21, logprobs=True), 400, "top_logprobs"),
        (_body(top_logprobs=2), 400, "needs logprobs"),
        (_body(n=2), 400, "n=2 is not supported"),
        (_body(n=0), 200, ""),
        (_body(response_format={"type": "json_object"}), 400, "response_format"),
        (_body(response_format={"type": "text"}), 200, ""),
        (_body(tool_choice="required"), 400, "tool_choice"),
        (_body(tool_choice="auto", temperature=1, unknown={"a": 1}), 200, ""),
        (_body(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]), 400, "image_url"),
        (_body(stream=None, n=None, logprobs=None, top_logprobs=None, stream_options=None), 200, ""),
    ],
)
def test_requests_are_taken_or_refused_in_openai_shape(raw, status, part):
    """What a student cannot do must be refused with the field's name; nulls and sampling fields are harmless."""
    if status == 200:
        assert wire.decode(raw).model == "v1"
        return
    with pytest.raises(wire.WireError) as caught:
        wire.decode(raw)
    error = json.loads(caught.value.body)["error"]
    assert (caught.value.status, error["type"]) == (status, "invalid_request_error")
    assert part in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([{"role": "system", "content": "s"}, USER], "hi there"),
        ([{"role": "user", "content": "first"}, {"role": "assistant", "content": None}, USER], "hi there"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "a\nb"),
        ([USER, {"role": "user", "content": "  "}], "hi there"),
    ],
)
def test_the_student_reads_the_last_user_message(messages, text):
    """The same text that the monitors embed must be the one that is answered."""
    assert wire.input_text(wire.decode(_body(messages=messages))) == text


def test_a_request_without_user_text_is_refused():
    """There is nothing to label in a system message."""
    with pytest.raises(wire.WireError, match="needs a user message"):
        wire.input_text(wire.decode(_body(messages=[{"role": "system", "content": "s"}])))


def test_prompt_tokens_count_every_message():
    """Four bytes of UTF-8 a token, each message rounded up."""
    messages = [{"role": "system", "content": "12345"}, {"role": "user", "content": "\u20ac\u20ac"}]
    assert wire.prompt_tokens(wire.decode(_body(messages=messages))) == 2 + 2


def test_the_answer_is_one_token_with_real_logprobs():
    """The logprob of the answer is the log of its probability; what is impossible is -9999, as at OpenAI."""
    choice = json.loads(_reply(top=3).completion())["choices"][0]
    assert choice["message"]["content"] == "größe"
    (token,) = choice["logprobs"]["content"]
    assert token["logprob"] == pytest.approx(math.log(0.8))
    assert bytes(token["bytes"]).decode() == "größe"
    assert [(top["token"], top["logprob"]) for top in token["top_logprobs"]] == [
        ("größe", pytest.approx(math.log(0.8))),
        ("a", pytest.approx(math.log(0.2))),
        ("c", -9999.0),
    ]


@pytest.mark.parametrize(("top", "tops"), [(None, None), (0, 0), (1, 1), (20, 3)])
def test_as_many_alternatives_as_asked_for(top, tops):
    """Without `logprobs` there are none; more labels than there are cannot be given."""
    logprobs = json.loads(_reply(top=top).completion())["choices"][0]["logprobs"]
    assert (None if logprobs is None else len(logprobs["content"][0]["top_logprobs"])) == tops


@pytest.mark.parametrize("with_usage", [False, True])
def test_a_stream_says_what_the_whole_answer_says(with_usage):
    """Role first, then the answer with its logprobs, the end, usage only if asked for, and `[DONE]`."""
    whole = json.loads(_reply(top=2).completion())
    events = list(_reply(top=2).events(with_usage=with_usage))
    assert events.pop() == b"data: [DONE]\n\n"
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert all(event.endswith(b"\n\n") for event in events)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    if with_usage:
        last = chunks.pop()
        assert (last["choices"], last["usage"]) == ([], whole["usage"])
        assert all(chunk["usage"] is None for chunk in chunks)
    role, content, end = (chunk["choices"][0] for chunk in chunks)
    assert role["delta"]["role"] == "assistant"
    assert content["delta"]["content"] == whole["choices"][0]["message"]["content"]
    assert content["logprobs"] == whole["choices"][0]["logprobs"]
    assert (end["delta"], end["finish_reason"]) == ({}, "stop")


def test_usage_adds_up():
    """The total must be the sum, and the answer one token."""
    assert json.loads(_reply().completion())["usage"] == {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}


def test_models_have_their_openai_shape():
    """The list and the single model must be what the SDK reads."""
    listed = msgspec.json.decode(wire.models([("v1", 3)]))
    assert listed == {"object": "list", "data": [msgspec.json.decode(wire.model("v1", 3))]}
    assert listed["data"][0] == {"id": "v1", "object": "model", "created": 3, "owned_by": "preceptor"}


@pytest.mark.parametrize(("status", "kind"), [(404, "invalid_request_error"), (503, "server_error")])
def test_errors_name_whose_fault_it_is(status, kind):
    """The SDK and the gateway decide by type whether to try again."""
    assert json.loads(wire.WireError(status, "m", code="c").body)["error"] == {
        "message": "m",
        "type": kind,
        "param": None,
        "code": "c",
    }

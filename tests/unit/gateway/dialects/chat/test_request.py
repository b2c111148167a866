"""Requests: what is understood, what is refused, and that nothing else changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.dialect import ChatDialect
from gateway.errors import ApiError

CHAT = ChatDialect()

USER = b'"messages":[{"role":"user","content":"hi"}]'


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"   ", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b"not json", "invalid_json", None),
        (b"{'model':'x'}", "invalid_json", None),
        (b'{"model":"x",' + USER + b"} trailing", "invalid_json", None),
        (b'{"model":"x",' + USER + b',"temperature":NaN}', "invalid_json", None),
        (b'{"model":"x",' + USER + b',"temperature":Infinity}', "invalid_json", None),
        (b'{"model":"x",' + USER + b',"seed":01}', "invalid_json", None),
        (b'{"model":"x",' + USER + b',"user":"\xff"}', "invalid_json", None),
        (b'{"model":"x",' + USER + b',"user":"\\ud800"}', "invalid_json", None),
        (b'{"model":"x",' + USER + b',"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "invalid_json", None),
        (b"\xef\xbb\xbf{}", "invalid_json", None),
        (b"null", "invalid_type", None),
        (b"[]", "invalid_type", None),
        (b'"text"', "invalid_type", None),
        (b"7", "invalid_type", None),
        (b"{}", "invalid_type", None),
        (b'{"model":"x"}', "invalid_type", None),
        (b"{" + USER + b"}", "invalid_type", None),
        (b'{"model":null,' + USER + b"}", "invalid_type", "model"),
        (b'{"model":7,' + USER + b"}", "invalid_type", "model"),
        (b'{"model":"x","messages":"hi"}', "invalid_type", "messages"),
        (b'{"model":"x","messages":[]}', "empty_array", "messages"),
        (b'{"model":"x","messages":["hi"]}', "invalid_type", "messages[0]"),
        (b'{"model":"x","messages":[{"content":"hi"}]}', "invalid_type", "messages[0]"),
        (b'{"model":"x","messages":[{"role":"user","content":7}]}', "invalid_type", "messages[0].content"),
        (
            b'{"model":"x","messages":[{"role":"user","content":["a"]}]}',
            "invalid_type",
            "messages[0].content[0]",
        ),
        (b'{"model":"x",' + USER + b',"stream":"yes"}', "invalid_type", "stream"),
        (b'{"model":"x",' + USER + b',"stream":1}', "invalid_type", "stream"),
        (b'{"model":"x",' + USER + b',"stream_options":[]}', "invalid_type", "stream_options"),
        (b'{"model":"x",' + USER + b',"store":true,"metadata":{"a":1}}', "invalid_type", "metadata"),
    ],
)
def test_bad_bodies_are_400_in_openai_shape(body, code, param):
    """A body that is no request is refused with its own code, and the field at fault where there is one."""
    with pytest.raises(ApiError) as caught:
        CHAT.decode(body)
    error = json.loads(caught.value.body)["error"]
    assert (caught.value.status, error["type"], error["code"]) == (400, "invalid_request_error", code)
    assert error["param"] == param
    assert error["message"]


def test_texts_of_every_kind_are_seen():
    """Policies see strings, text parts, refusals and tool arguments of every message, in order."""
    parts = [{"type": "text", "text": "c"}, {"type": "image_url", "image_url": {"url": "x"}}]
    calls = [{"id": "1", "function": {"name": "f", "arguments": "e"}}, {"custom": {"name": "g", "input": "f"}}]
    call = CHAT.decode(
        json.dumps(
            {
                "model": "x",
                "messages": [
                    {"role": "system", "content": "a"},
                    {"role": "user", "content": "b"},
                    {"role": "user", "content": parts},
                    {"role": "assistant", "content": None, "refusal": "d", "tool_calls": calls},
                    {"role": "assistant", "function_call": {"name": "h", "arguments": "g"}},
                    {"role": "tool", "content": "h", "tool_call_id": "1"},
                ],
            }
        ).encode()
    )
    assert sorted(call.texts) == list("abcdefgh")
    assert call.input_text == "c"


@pytest.mark.parametrize(
    ("fields", "stream", "usage"),
    [
        ({}, False, False),
        ({"stream": None}, False, False),
        ({"stream": False}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": None}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True, "vendor": 1}}, True, True),
    ],
)
def test_stream_flags(fields, stream, usage):
    """Streaming and its usage chunk are asked for, or not."""
    call = CHAT.decode(json.dumps({"model": "x", "messages": [{"role": "user"}], **fields}).encode())
    assert (call.stream, call.include_usage) == (stream, usage)


@pytest.mark.parametrize(
    ("fields", "user", "store", "metadata", "logprobs"),
    [
        ({}, "", False, {}, False),
        ({"user": "u"}, "u", False, {}, False),
        ({"safety_identifier": "s"}, "s", False, {}, False),
        ({"user": "u", "safety_identifier": "s"}, "u", False, {}, False),
        ({"store": True, "metadata": {"a": "b"}, "logprobs": True}, "", True, {"a": "b"}, True),
        ({"store": None, "metadata": None, "logprobs": None}, "", False, {}, False),
        ({"store": False, "metadata": {"not": ["ours"]}}, "", False, {}, False),
    ],
)
def test_what_the_gateway_acts_on(fields, user, store, metadata, logprobs):
    """User, storage, its metadata and log-probabilities are read where they are given."""
    call = CHAT.decode(json.dumps({"model": "x", "messages": [{"role": "user"}], **fields}).encode())
    assert (call.user, call.store, call.metadata, call.logprobs) == (user, store, metadata, logprobs)


@pytest.mark.parametrize("options", [None, {"vendor": 1}, {"include_usage": False}])
def test_usage_and_logprobs_can_be_asked_for(options):
    """The gateway's own wishes are added, and what the client set beside them stays."""
    request = {"model": "x", "messages": [{"role": "user"}], "stream": True, "stream_options": options}
    call = CHAT.decode(json.dumps(request).encode())
    sent = json.loads(CHAT.for_model(call, "y", usage=True, logprobs=True))
    asked = {**(options or {}), "include_usage": True}
    assert sent == {**request, "model": "y", "stream_options": asked, "logprobs": True}


def test_a_request_without_user_message_still_has_an_input():
    """What the monitors embed is the last user message, else the last one."""
    call = CHAT.decode(b'{"model":"x","messages":[{"role":"system","content":"a"},{"role":"developer","content":"b"}]}')
    assert call.input_text == "b"


def test_only_the_model_changes_on_the_way():
    """Every value but `model` reaches the upstream as the bytes it was."""
    body = b'{"a": 12345678901234567890123, "model": "x", "b":1.50, "c": [1,  2e2, "\\u00e9"], ' + USER + b"}"
    sent = CHAT.for_model(CHAT.decode(body), 'na"me')
    assert sent == b'{"a":12345678901234567890123,"model":"na\\"me","b":1.50,"c":[1,  2e2, "\\u00e9"],' + USER + b"}"


@given(
    st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in {"user", "store"}),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_unknown_fields_survive(extra):
    """Any JSON beside the known fields arrives unchanged."""
    known = {"model": "x", "messages": [{"role": "user", "content": "hi", "vendor": 1}], "stream": False}
    request = {**extra, **known, "stream_options": None}
    sent = CHAT.for_model(CHAT.decode(json.dumps(request).encode()), "y")
    assert json.loads(sent) == {**request, "model": "y"}

"""Requests: every text that a model will read, what is refused, and that nothing else changes."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.responses.dialect import ResponsesDialect
from gateway.errors import ApiError


def _decode(**fields):
    return ResponsesDialect().decode(json.dumps({"model": "x", **fields}).encode())


@pytest.mark.parametrize(
    ("fields", "texts", "last"),
    [
        ({"input": "a"}, ["a"], "a"),
        ({"input": ""}, [], ""),
        ({}, [], ""),
        ({"input": []}, [], ""),
        ({"input": "a", "instructions": "b"}, ["b", "a"], "a"),
        ({"input": [{"role": "user", "content": "a"}]}, ["a"], "a"),
        (
            {
                "input": [
                    {"role": "developer", "content": "a"},
                    {
                        "type": "message",
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": "b"},
                            {"type": "input_image", "image_url": "data:"},
                            {"type": "input_text", "text": "c"},
                        ],
                    },
                    {
                        "type": "message",
                        "id": "1",
                        "role": "assistant",
                        "status": "completed",
                        "content": [{"type": "output_text", "text": "d"}, {"type": "refusal", "refusal": "e"}],
                    },
                    {"type": "item_reference", "id": "2"},
                ]
            },
            ["a", "b", "c", "d", "e"],
            "b\nc",
        ),
        ({"input": [{"type": "function_call", "name": "f", "call_id": "1", "arguments": "a"}]}, ["a"], ""),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": "a"}]}, ["a"], ""),
        ({"input": [{"type": "function_call_output", "output": [{"type": "input_text", "text": "a"}]}]}, ["a"], ""),
        ({"input": [{"type": "custom_tool_call", "name": "f", "call_id": "1", "input": "a"}]}, ["a"], ""),
        ({"input": [{"type": "custom_tool_call_output", "call_id": "1", "output": "a"}]}, ["a"], ""),
        (
            {
                "input": [
                    {
                        "type": "reasoning",
                        "id": "1",
                        "summary": [{"type": "summary_text", "text": "a"}],
                        "content": [{"type": "reasoning_text", "text": "b"}],
                        "encrypted_content": "no",
                    }
                ]
            },
            ["a", "b"],
            "b",
        ),
        ({"input": [{"type": "mcp_call", "server_label": "s", "arguments": "a", "output": "b"}]}, ["a", "b"], ""),
        ({"input": [{"type": "local_shell_call", "action": {"command": ["a"], "env": {"name": "b"}}}]}, ["a", "b"], ""),
        ({"input": [{"type": "shell_call", "action": {"commands": ["a", "b"]}}]}, ["a", "b"], ""),
        ({"input": [{"type": "shell_call_output", "output": [{"stdout": "a", "stderr": "b"}]}]}, ["a", "b"], ""),
        ({"input": [{"type": "apply_patch_call", "operation": {"path": "a", "diff": "b"}}]}, ["a", "b"], ""),
        ({"input": [{"type": "apply_patch_call_output", "status": "failed", "output": "a"}]}, ["a"], ""),
        ({"input": [{"type": "computer_call", "action": {"type": "type", "text": "a"}}]}, ["a"], ""),
        ({"input": [{"type": "tool_search_call", "arguments": {"name": "a"}}]}, ["a"], ""),
        ({"input": [{"type": "code_interpreter_call", "code": "a", "outputs": [{"logs": "b"}]}]}, ["a", "b"], ""),
        ({"input": [{"type": "from_the_future", "scroll": {"lines": ["a", 7, "b"]}}]}, ["a", "b"], ""),
        ({"prompt": {"id": "p", "variables": {"name": "a", "x": {"type": "input_text", "text": "b"}}}}, ["a", "b"], ""),
    ],
)
def test_every_text_is_seen(fields, texts, last):
    """Whatever a model will read is shown to the policies, in order; the input is what the user said last."""
    call = _decode(**fields)
    assert (list(call.texts), call.input_text) == (texts, last)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"background": True}, "unsupported_parameter", "background"),
        ({"input": 7}, "invalid_type", "input"),
        ({"input": ["a"]}, "invalid_type", "input[0]"),
        ({"input": [{"role": 7}]}, "invalid_type", "input[0].role"),
        ({"input": [{"role": "user", "content": 7}]}, "invalid_type", "input[0].content"),
        ({"input": [{"role": "user", "content": [{"text": 7}]}]}, "invalid_type", "input[0].content[0].text"),
        ({"input": [{"type": "function_call", "arguments": 7}]}, "invalid_type", "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "output": 7}]}, "invalid_type", "input[0].output"),
        ({"instructions": ["a"]}, "invalid_type", "instructions"),
        ({"prompt": "p"}, "invalid_type", "prompt"),
        ({"prompt": {"variables": {"a": 7}}}, "invalid_type", "prompt.variables[...]"),
        ({"stream": "yes"}, "invalid_type", "stream"),
        ({"metadata": {"a": 1}}, "invalid_type", "metadata[...]"),
        ({"include": "all"}, "invalid_type", "include"),
        ({"model": 7}, "invalid_type", "model"),
        ({"model": None}, "invalid_type", "model"),
    ],
)
def test_bad_fields_are_400_and_named(fields, code, param):
    """A field that is wrong, or whose promise cannot be kept, is refused with its path."""
    with pytest.raises(ApiError) as caught:
        _decode(**fields)
    error = json.loads(caught.value.body)["error"]
    assert (caught.value.status, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize("depth", [900, 10_000])
def test_a_deep_input_is_400(depth):
    """Nesting that nobody can follow is the client's fault; what a person nests is not."""
    body = b'{"model":"x","input":[{"type":"new","v":%b"a"%b}]}'
    assert ResponsesDialect().decode(body % (b"[" * 50, b"]" * 50)).texts == ("a",)
    with pytest.raises(ApiError, match="nested too deeply"):
        ResponsesDialect().decode(body % (b"[" * depth, b"]" * depth))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (False, "", False, {})),
        ({"stream": True, "user": "u", "safety_identifier": "s"}, (True, "u", False, {})),
        ({"safety_identifier": "s", "metadata": {"a": "b"}}, (False, "s", False, {"a": "b"})),
        ({"include": ["message.output_text.logprobs"]}, (False, "", True, {})),
        ({"top_logprobs": 2, "include": None, "stream": None, "background": False}, (False, "", True, {})),
        ({"store": True, "include": ["reasoning.encrypted_content"]}, (False, "", False, {})),
    ],
)
def test_what_the_gateway_must_know(fields, expected):
    """Streaming, the user, log-probabilities and metadata are understood; `store` is the upstream's."""
    call = _decode(input="a", **fields)
    assert (call.stream, call.user, call.logprobs, call.metadata) == expected
    assert call.store is False


def test_only_the_model_changes_on_the_way():
    """Every value but `model` reaches the upstream as the bytes it was, asked for usage or not."""
    body = b'{"a": 12345678901234567890123, "model": "x", "b":1.50, "input": [{"role":"user", "content":"\\u00e9"}]}'
    dialect = ResponsesDialect()
    sent = dialect.for_model(dialect.decode(body), 'na"me', usage=True)
    expected = b'{"a":12345678901234567890123,"model":"na\\"me","b":1.50,"input":'
    assert sent == expected + b'[{"role":"user", "content":"\\u00e9"}]}'


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, ["message.output_text.logprobs"]),
        ({"include": None}, ["message.output_text.logprobs"]),
        ({"include": ["a"]}, ["a", "message.output_text.logprobs"]),
        ({"include": ["message.output_text.logprobs", "a"]}, ["message.output_text.logprobs", "a"]),
    ],
)
def test_log_probabilities_are_asked_for_once(given, sent):
    """The cascade's wish joins what the client includes."""
    dialect = ResponsesDialect()
    call = _decode(input="a", **given)
    assert json.loads(dialect.for_model(call, "y", logprobs=True))["include"] == sent
    assert json.loads(dialect.for_model(call, "y")).get("include") == given.get("include")

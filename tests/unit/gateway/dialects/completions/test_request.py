"""Requests for completions: prompts of every form, what is refused, and that nothing else changes."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.completions.dialect import CompletionsDialect
from gateway.errors import ApiError


def _decode(**fields):
    return CompletionsDialect().decode(json.dumps({"model": "x", **fields}).encode())


@pytest.mark.parametrize(
    ("fields", "texts", "last"),
    [
        ({"prompt": "a"}, ["a"], "a"),
        ({"prompt": ["a", "b"]}, ["a", "b"], "a\nb"),
        ({"prompt": [1, 2]}, [], ""),
        ({"prompt": [[1, 2], [3]]}, [], ""),
        ({"prompt": [], "suffix": None}, [], ""),
        ({"prompt": None}, [], ""),
        ({}, [], ""),
        ({"prompt": "a", "suffix": "b"}, ["a", "b"], "a"),
    ],
)
def test_every_text_is_seen(fields, texts, last):
    """Prompts and the suffix are shown to the policies; numbers of tokens have no text."""
    call = _decode(**fields)
    assert (list(call.texts), call.input_text) == (texts, last)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["a", None]}, "prompt[1]"),
        ({"prompt": [["a"]]}, "prompt[0][0]"),
        ({"suffix": 7}, "suffix"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"logprobs": True}, "logprobs"),
        ({"user": 7}, "user"),
        ({"model": 7}, "model"),
    ],
)
def test_bad_fields_are_400_and_named(fields, param):
    """A field of another type is refused with its path."""
    with pytest.raises(ApiError) as caught:
        _decode(**fields)
    assert caught.value.status == 400
    assert json.loads(caught.value.body)["error"]["param"] == param


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (False, False, "", False)),
        ({"stream": True, "stream_options": {"include_usage": True}, "user": "u"}, (True, True, "u", False)),
        ({"logprobs": 0, "stream": None, "stream_options": None}, (False, False, "", True)),
        ({"logprobs": None, "n": 3, "best_of": 4, "echo": True}, (False, False, "", False)),
    ],
)
def test_what_the_gateway_must_know(fields, expected):
    """Streaming, its usage, the user and log-probabilities are understood."""
    call = _decode(prompt="a", **fields)
    assert (call.stream, call.include_usage, call.user, call.logprobs) == expected
    assert call.store is False


@pytest.mark.parametrize(
    ("fields", "wishes", "changed"),
    [
        ({}, {}, {}),
        ({}, {"usage": True}, {}),
        ({"stream": True}, {"usage": True}, {"stream_options": {"include_usage": True}}),
        (
            {"stream": True, "stream_options": {"vendor": 1}},
            {"usage": True},
            {"stream_options": {"vendor": 1, "include_usage": True}},
        ),
        ({"stream": True, "stream_options": None}, {"usage": True}, {"stream_options": {"include_usage": True}}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"usage": True}, {}),
        ({}, {"logprobs": True}, {"logprobs": 1}),
        ({"logprobs": 5}, {"logprobs": True}, {}),
    ],
)
def test_what_a_model_is_asked(fields, wishes, changed):
    """The model's name, and usage and log-probabilities where the gateway wants them and the client did not."""
    given = {"model": "x", "prompt": "a", **fields}
    dialect = CompletionsDialect()
    sent = dialect.for_model(dialect.decode(json.dumps(given).encode()), "y", **wishes)
    assert json.loads(sent) == given | {"model": "y"} | changed


def test_only_the_model_changes_on_the_way():
    """Every value but `model` reaches the upstream as the bytes it was."""
    body = b'{"seed": 12345678901234567890123, "model": "x", "temperature":1.50, "prompt": [[1,  2], "\\u00e9"]}'
    dialect = CompletionsDialect()
    sent = dialect.for_model(dialect.decode(body), "y")
    assert sent == b'{"seed":12345678901234567890123,"model":"y","temperature":1.50,"prompt":[[1,  2], "\\u00e9"]}'

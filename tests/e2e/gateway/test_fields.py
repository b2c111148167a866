"""Every field of the SDK's requests is passed on as it is, or refused by name; none may vanish."""

from __future__ import annotations

import collections.abc
import json
import types
import typing

import pytest
from openai.types import EmbeddingCreateParams, completion_create_params
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import response_create_params
from typing_extensions import TypeAliasType, is_typeddict

from gateway.dialects.chat.dialect import ChatDialect
from gateway.dialects.completions.dialect import CompletionsDialect
from gateway.dialects.embeddings.dialect import EmbeddingsDialect
from gateway.dialects.responses.dialect import ResponsesDialect
from gateway.errors import ApiError

MESSAGES = [{"role": "user", "content": "hi"}]
ENDPOINTS = [  # with the forms of the request, and the least that a request must have
    (
        ChatDialect(),
        [chat_create_params.CompletionCreateParamsNonStreaming, chat_create_params.CompletionCreateParamsStreaming],
        {"model": "x", "messages": MESSAGES},
    ),
    (
        CompletionsDialect(),
        [
            completion_create_params.CompletionCreateParamsNonStreaming,
            completion_create_params.CompletionCreateParamsStreaming,
        ],
        {"model": "x", "prompt": "hi"},
    ),
    (EmbeddingsDialect(), [EmbeddingCreateParams], {"model": "x", "input": "hi"}),
    (
        ResponsesDialect(),
        [
            response_create_params.ResponseCreateParamsNonStreaming,
            response_create_params.ResponseCreateParamsStreaming,
        ],
        {"model": "x", "input": "hi"},
    ),
]
REFUSED = [("responses", "background", True)]  # by decision; any other refusal is a fault
SCALARS = {str: "a text", int: 7, float: 0.5, bool: True, object: {"any": [1, "b"]}, type(None): None}


def _bare(annotation):
    """An annotation without what the type checker alone reads."""
    while typing.get_origin(annotation) in (typing.Required, typing.NotRequired, typing.Annotated):
        annotation = typing.get_args(annotation)[0]
    return annotation.__value__ if isinstance(annotation, TypeAliasType) else annotation


def _arms(annotation):
    """The alternatives of an annotation, each alone."""
    annotation = _bare(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [arm for each in typing.get_args(annotation) for arm in _arms(each)]
    return [annotation]


def _value(annotation):
    """A plausible value."""
    arm = _arms(annotation)[0]
    if arm in SCALARS:
        return SCALARS[arm]
    if is_typeddict(arm):
        return _least(arm)
    origin, arguments = typing.get_origin(arm), typing.get_args(arm)
    if origin is typing.Literal:
        return arguments[0]
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        return {"key": _value(arguments[1])}
    return [_value(arguments[0])]  # of the sequences that are left


def _least(shape):
    hints = typing.get_type_hints(shape, include_extras=True)
    return {name: _value(hint) for name, hint in hints.items() if typing.get_origin(hint) is typing.Required}


def _variants(annotation, label):
    """A value of each alternative, and for objects, in lists too, one more for each of their fields."""
    for arm in _arms(annotation):
        if is_typeddict(arm):
            hints = typing.get_type_hints(arm, include_extras=True)
            for name, hint in hints.items():
                yield f"{label}-{arm.__name__}-{name}", _least(arm) | {name: _value(hint)}
            continue
        origin, arguments = typing.get_origin(arm), typing.get_args(arm)
        if origin is typing.Literal:
            yield from ((f"{label}-{choice}", choice) for choice in arguments)
        elif arguments and not issubclass(origin, collections.abc.Mapping):
            yield from ((f"{each}-list", [value]) for each, value in _variants(arguments[0], label))
        else:
            yield f"{label}-{getattr(arm, '__name__', arm)}", _value(arm)


def _cases():
    for dialect, shapes, base in ENDPOINTS:
        hints = {
            name: hint for shape in shapes for name, hint in typing.get_type_hints(shape, include_extras=True).items()
        }
        for name in sorted(hints.keys() - {"model"}):
            for label, value in _variants(hints[name], f"{dialect.name}-{name}"):
                yield pytest.param(dialect, base, name, value, id=label)


@pytest.mark.parametrize(("dialect", "base", "name", "value"), list(_cases()))
def test_no_field_vanishes(dialect, base, name, value):
    """A field that the SDK can send arrives at the model's server unchanged, or the client is told that it cannot."""
    sent = base | {name: value}
    body = json.dumps(sent).encode()
    if (dialect.name, name, value) in REFUSED:
        with pytest.raises(ApiError) as caught:
            dialect.decode(body)
        assert (caught.value.status, json.loads(caught.value.body)["error"]["param"]) == (400, name)
        return
    assert json.loads(dialect.for_model(dialect.decode(body), "y")) == sent | {"model": "y"}


def test_all_fields_are_walked():
    """The walk must find what the SDK knows: a change of its annotations must not make it pass by finding nothing."""
    found = {(case.values[0].name, case.values[2]) for case in _cases()}
    for field in ("messages", "tools", "n", "logprobs", "metadata", "store", "stream_options", "web_search_options"):
        assert ("chat", field) in found
    for field in ("input", "include", "background", "conversation", "text", "tools", "prompt", "reasoning"):
        assert ("responses", field) in found
    assert len(found) >= 90

"""Requests for responses: what the gateway must know of them.  Everything else stays the bytes it was.

`previous_response_id` and `conversation` are passed on: what the upstream remembers was checked when it was sent, if
it came this way, and is not checked again.  `store` is about the upstream's memory, not the gateway's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway import decoding
from gateway.answers import CONTENT
from gateway.decoding import given
from gateway.dialect import Call
from gateway.dialects.responses.texts import Walk
from gateway.errors import ApiError

if TYPE_CHECKING:
    from gateway.dialect import Dialect

_SCORES = "message.output_text.logprobs"


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    role: str | None = None
    content: str | list[_Part] | None = None
    arguments: str | dict[str, Any] | list[Any] | None = None
    input: str | None = None
    output: str | dict[str, Any] | list[dict[str, Any]] | None = None


class _Prompt(msgspec.Struct):
    variables: dict[str, str | dict[str, Any]] | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[_Item] | None = None
    instructions: str | None = None
    prompt: _Prompt | None = None
    stream: bool | None = None
    background: bool | None = None
    include: list[str] | None = None
    top_logprobs: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def decode(body: bytes, dialect: Dialect) -> Call:
    """The request in a body.

    Raises:
        ApiError: 400, with the path of the offending field as `param`; also for what the gateway could not keep:
            a response in the background is fetched later, from an upstream that nobody could find again.
    """
    request = decoding.understood(body, _REQUEST)
    if request.background:
        message = "Responses in the background are not supported: send the request without `background`"
        raise ApiError(400, message, code="unsupported_parameter", param="background")
    texts, roles = _texts(body, request)
    return Call(
        dialect=dialect,
        body=body,
        model=request.model,
        stream=bool(request.stream),
        texts=texts,
        roles=roles,
        input_text=_said_last(request.input),
        user=request.user or request.safety_identifier or "",
        logprobs=_SCORES in (request.include or ()) or bool(request.top_logprobs),
        metadata=request.metadata or {},
    )


def for_model(call: Call, model: str, *, logprobs: bool) -> bytes:
    """See `gateway.dialect.Dialect.for_model`; every response comes with its usage."""
    values: dict[str, Any] = {"model": model}
    if logprobs:
        fields = decoding.fields(call.body)
        include = msgspec.json.decode(fields["include"]) if given(fields, "include") else []
        if _SCORES not in include:
            values["include"] = [*include, _SCORES]
    return decoding.replaced(call.body, values)


def _texts(body: bytes, request: _Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All texts, and who says each."""
    texts: list[str] = []
    roles: list[str] = []

    def take(place: str, text: str, piece: bool) -> str:
        if text:
            texts.append(text)
            roles.append(_role(place, request.input))
        return text

    take("instructions", request.instructions or "", False)
    walk, fields = Walk(take), decoding.fields(body)
    try:
        if request.prompt is not None and request.prompt.variables:
            for variable in decoding.fields(decoding.fields(fields["prompt"])["variables"]).values():
                walk.value(variable, "prompt")
        if request.input is not None:
            walk.value(fields["input"], "input")
    except RecursionError:
        raise ApiError(400, "The input is nested too deeply", code="invalid_json", param="input") from None
    return tuple(texts), tuple(roles)


def _role(place: str, said: str | list[_Item] | None) -> str:
    root, _, path = place.partition(".")
    if root == "instructions":
        return "system"
    if root == CONTENT:
        return "assistant"  # what a model wrote earlier
    if root != "input" or not isinstance(said, list):
        return "user"
    item = said[int(path.partition(".")[0])]
    kind = item.type or ""
    return item.role or ("tool" if kind.endswith("_output") else "user" if kind in ("", "message") else "assistant")


def _said_last(said: str | list[_Item] | None) -> str:
    if isinstance(said, str):
        return said
    if not said:
        return ""
    item = next((item for item in reversed(said) if item.role == "user"), said[-1])
    if isinstance(item.content, list):
        return "\n".join(text for part in item.content for text in (part.text, part.refusal) if text)
    return item.content or ""

"""Requests for chat completions: what the gateway must know of them.  Everything else stays the bytes it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway import decoding
from gateway.dialect import Call
from gateway.errors import ApiError
from gateway.metadata import check_metadata

if TYPE_CHECKING:
    from gateway.dialect import Dialect


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class _Function(msgspec.Struct):
    arguments: str | None = None


class _Custom(msgspec.Struct):
    input: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None
    custom: _Custom | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    refusal: str | None = None
    function_call: _Function | None = None
    tool_calls: list[_ToolCall] | None = None


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _Options | None = None
    logprobs: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
    store: bool | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")


_METADATA = msgspec.json.Decoder(dict[str, str] | None)
_REQUEST = msgspec.json.Decoder(_Request)


def decode(body: bytes, dialect: Dialect) -> Call:
    """The request in a body.

    Raises:
        ApiError: 400, with the path of the offending field as `param`.
    """
    request = decoding.understood(body, _REQUEST)
    messages = request.messages
    if not messages:
        raise ApiError(400, "messages must not be empty", code="empty_array", param="messages")
    options = request.stream_options
    texts: list[str] = []
    roles: list[str] = []
    for message in messages:
        found = _texts(message)
        texts += found
        roles += [message.role] * len(found)
    return Call(
        dialect=dialect,
        body=body,
        model=request.model,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
        texts=tuple(texts),
        roles=tuple(roles),
        input_text="\n".join(_content(_last_said(messages))),
        user=request.user or request.safety_identifier or "",
        logprobs=bool(request.logprobs),
        store=bool(request.store),
        metadata=_metadata(request.metadata) if request.store else {},
    )


def for_model(call: Call, model: str, *, usage: bool, logprobs: bool) -> bytes:
    """See `gateway.dialect.Dialect.for_model`."""
    values: dict[str, Any] = {"model": model}
    if usage:
        options = decoding.fields(call.body).get("stream_options", msgspec.Raw(b"null"))
        values["stream_options"] = (msgspec.json.decode(options) or {}) | {"include_usage": True}
    if logprobs:
        values["logprobs"] = True
    return decoding.replaced(call.body, values)


def _metadata(given: msgspec.Raw) -> dict[str, str]:
    """The metadata of an answer that will be stored; otherwise it is the upstream's business."""
    try:
        metadata = _METADATA.decode(given) or {}
    except msgspec.ValidationError as error:
        raise ApiError(400, f"metadata: {error}", code="invalid_type", param="metadata") from None
    check_metadata(metadata)
    return metadata


def _last_said(messages: list[_Message]) -> _Message:
    for message in reversed(messages):
        if message.role == "user":
            return message
    return messages[-1]


def _texts(message: _Message) -> list[str]:
    texts = _content(message)
    if message.refusal:
        texts.append(message.refusal)
    if message.function_call is not None and message.function_call.arguments:
        texts.append(message.function_call.arguments)
    for call in message.tool_calls or ():
        if call.function is not None and call.function.arguments:
            texts.append(call.function.arguments)
        if call.custom is not None and call.custom.input:
            texts.append(call.custom.input)
    return texts


def _content(message: _Message) -> list[str]:
    content = message.content
    if isinstance(content, str):
        return [content] if content else []
    return [text for part in content or () for text in (part.text, part.refusal) if text]

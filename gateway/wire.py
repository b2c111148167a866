"""OpenAI's chat completions on the wire: what the gateway must know of a request.

Everything else stays the bytes it was: unknown fields, key order inside values, integers beyond 2^53.
"""

from __future__ import annotations

import msgspec

from gateway.errors import ApiError


class _Part(msgspec.Struct):
    text: str | None = None


class Function(msgspec.Struct):
    """The arguments of a tool call: text that a model wrote."""

    arguments: str | None = None


class ToolCall(msgspec.Struct):
    """A call of a tool, whole or a piece of one."""

    index: int = 0
    function: Function | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[ToolCall] | None = None


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _Options | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Call(msgspec.Struct, frozen=True):
    """A chat completion request that has been understood."""

    body: bytes
    model: str
    stream: bool
    include_usage: bool
    texts: tuple[str, ...]  # of every message, in order
    input_text: str  # of the last user message

    def for_model(self, model: str) -> bytes:
        """The body with `model` replaced and every other value as it was, to the byte."""
        fields = _FIELDS.decode(self.body)
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
        return msgspec.json.encode(fields)


def decode(body: bytes) -> Call:
    """The request in a body.

    Raises:
        ApiError: 400, with the path of the offending field as `param`.
    """
    try:
        body.decode()
        request = _REQUEST.decode(body)
    except UnicodeDecodeError as error:
        raise ApiError(400, f"The body is not UTF-8 (byte {error.start})", code="invalid_json") from None
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise ApiError(400, problem, code="invalid_type", param=path.strip(".`") or None) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(400, f"The body is not JSON: {str(error)[:200]}", code="invalid_json") from None
    if not request.messages:
        raise ApiError(400, "messages must not be empty", code="empty_array", param="messages")
    users = (message for message in reversed(request.messages) if message.role == "user")
    last = next(users, request.messages[-1])
    return Call(
        body=body,
        model=request.model,
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        texts=tuple(text for message in request.messages for text in _texts(message)),
        input_text="\n".join(_content(last)),
    )


def _texts(message: _Message) -> list[str]:
    arguments = [call.function.arguments for call in message.tool_calls or () if call.function]
    return _content(message) + [text for text in arguments if text]


def _content(message: _Message) -> list[str]:
    if isinstance(message.content, str):
        return [message.content]
    return [part.text for part in message.content or () if part.text]

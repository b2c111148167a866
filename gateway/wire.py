"""OpenAI's chat completions on the wire: what the gateway must know of a request.

Everything else stays the bytes it was: unknown fields, key order inside values, integers beyond 2^53.
"""

from __future__ import annotations

import msgspec

from gateway.errors import ApiError


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
    request = _understood(body)
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


def _understood(body: bytes) -> _Request:
    try:
        body.decode()  # msgspec does not look into the strings that it skips
        return _REQUEST.decode(body)
    except UnicodeDecodeError as error:
        raise ApiError(400, f"The body is not UTF-8 (byte {error.start})", code="invalid_json") from None
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise ApiError(400, problem, code="invalid_type", param=path.strip(".`") or None) from None
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply", code="invalid_json") from None
    except msgspec.DecodeError as error:
        raise ApiError(400, f"The body is not JSON: {error}", code="invalid_json") from None


def _texts(message: _Message) -> list[str]:
    functions = [message.function_call, *(call.function for call in message.tool_calls or ())]
    written = [message.refusal, *(function.arguments for function in functions if function)]
    written += [call.custom.input for call in message.tool_calls or () if call.custom]
    return _content(message) + [text for text in written if text]


def _content(message: _Message) -> list[str]:
    if isinstance(message.content, str):
        return [message.content]
    return [text for part in message.content or () for text in (part.text, part.refusal) if text]

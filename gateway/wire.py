"""OpenAI's chat completions on the wire: what the gateway must know of a request and an answer.

Everything else stays the bytes it was: unknown fields, key order inside values, integers beyond 2^53.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.records import Usage
from gateway.errors import ApiError


class _Part(msgspec.Struct):
    text: str | None = None


class _Function(msgspec.Struct):
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int = 0
    function: _Function | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
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


class Choice(msgspec.Struct):
    """The texts of one choice of an answer; `extra` holds tool arguments and reasoning, by where they stand."""

    index: int
    content: str = ""
    refusal: str = ""
    extra: dict[str, str] = {}
    finish_reason: str = ""

    def texts(self) -> list[str]:
        """Everything a policy must see; the content first."""
        return [self.content, self.refusal, *self.extra.values()]


class Answer(msgspec.Struct, frozen=True):
    """What a model said, whether it came whole or in pieces."""

    choices: tuple[Choice, ...]
    usage: Usage = Usage()

    def subject_texts(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """All texts, and which of them are answers proper: a content, unless there are only tool calls."""
        texts: list[str] = []
        answers: list[int] = []
        for choice in self.choices:
            if choice.content or not choice.extra:
                answers.append(len(texts))
            texts += choice.texts()
        return tuple(texts), tuple(answers)


class _AnswerMessage(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None


class _AnswerChoice(msgspec.Struct):
    index: int = 0
    message: _AnswerMessage | None = None
    delta: _AnswerMessage | None = None
    finish_reason: str | None = None


class _Tokens(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(msgspec.Struct):
    choices: list[_AnswerChoice]
    usage: _Tokens | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


class AnswerBuilder:
    """Puts an answer together from its chunks; a whole answer is one chunk with messages instead of deltas."""

    def __init__(self) -> None:
        self._choices: dict[int, Choice] = {}
        self._usage = Usage()

    def add(self, chunk: bytes) -> None:
        """Take one JSON object in.

        Raises:
            msgspec.DecodeError: it is not a chat completion or a chunk of one.
        """
        value = _ANSWER.decode(chunk)
        for part in value.choices:
            choice = self._choices.setdefault(part.index, Choice(part.index))
            self._extend(choice, part.message or part.delta or _AnswerMessage())
            choice.finish_reason = part.finish_reason or choice.finish_reason
        if value.usage is not None:
            self._usage = Usage(value.usage.prompt_tokens, value.usage.completion_tokens)

    def build(self) -> Answer:
        """The answer so far."""
        return Answer(tuple(self._choices[index] for index in sorted(self._choices)), self._usage)

    @staticmethod
    def _extend(choice: Choice, message: _AnswerMessage) -> None:
        choice.content += message.content or ""
        choice.refusal += message.refusal or ""
        extra = {"reasoning_content": message.reasoning_content}
        extra["function_call"] = message.function_call and message.function_call.arguments
        for number, call in enumerate(message.tool_calls or ()):
            key = f"tool_calls.{call.index or number}"
            extra[key] = call.function and call.function.arguments
        for key, text in extra.items():
            if text:
                choice.extra = choice.extra | {key: choice.extra.get(key, "") + text}


def whole(body: bytes) -> Answer:
    """The answer in a body that was not streamed.

    Raises:
        msgspec.DecodeError: it is not a chat completion.
    """
    builder = AnswerBuilder()
    builder.add(body)
    return builder.build()


def remake(head: dict[str, Any], answer: Answer, contents: Sequence[str | None], *, finish_reason: str = "") -> bytes:
    """A whole answer with other contents: what is left after redaction or a block.  Log-probabilities would tell, so none."""
    choices = [
        {
            "index": choice.index,
            "message": {"role": "assistant", "content": content, "refusal": None},
            "logprobs": None,
            "finish_reason": finish_reason or choice.finish_reason or "stop",
        }
        for choice, content in zip(answer.choices, contents, strict=True)
    ]
    return msgspec.json.encode(head | {"object": "chat.completion", "choices": choices, "usage": usage(answer)})


def remake_events(
    head: dict[str, Any], answer: Answer, contents: Sequence[str | None], *, finish_reason: str = "", with_usage: bool
) -> list[bytes]:
    """The same as events."""
    head = head | {"object": "chat.completion.chunk"}
    events = []
    for choice, content in zip(answer.choices, contents, strict=True):
        reason = finish_reason or choice.finish_reason or "stop"
        delta = {"role": "assistant", "content": content or ""}
        events.append({"index": choice.index, "delta": delta, "logprobs": None, "finish_reason": None})
        events.append({"index": choice.index, "delta": {}, "logprobs": None, "finish_reason": reason})
    chunks = [head | {"choices": [event]} for event in events]
    if with_usage:
        chunks.append(head | {"choices": [], "usage": usage(answer)})
    return [msgspec.json.encode(chunk) for chunk in chunks]


def usage(answer: Answer) -> dict[str, int]:
    """OpenAI's usage object."""
    tokens = answer.usage
    return {
        "prompt_tokens": tokens.prompt_tokens,
        "completion_tokens": tokens.completion_tokens,
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
    }

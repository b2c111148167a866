"""The OpenAI wire format of a student server: chat requests in, completions, events and errors out.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

MAX_TOP = 20
_LEAST = -9999.0  # OpenAI's logprob for what is too unlikely to be told; JSON has no infinity


class ContentPart(msgspec.Struct, frozen=True):
    """A part of a message; a student reads only parts of type `text`."""

    type: str
    text: str = ""


class ChatMessage(msgspec.Struct, frozen=True):
    """One turn of the conversation."""

    role: str
    content: str | list[ContentPart] | None = None

    def plain(self) -> str:
        """The text of the message."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(msgspec.Struct, frozen=True):
    """Whether the stream ends with a chunk of usage."""

    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """The fields that mean something to a student.

    Sampling fields (temperature, top_p, seed, ...) do not: a student always gives its best label.
    """

    model: str
    messages: list[ChatMessage]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOP)] | None = None
    response_format: dict[str, Any] | None = None
    tool_choice: Any = None


class WireError(Exception):
    """An answer that is an error, in OpenAI's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_s = retry_s
        kind = "invalid_request_error" if status < 500 else "server_error"
        self.body = msgspec.json.encode(
            {"error": {"message": message, "type": kind, "param": param, "code": code}},
        )


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a student says to one request, with all that its OpenAI forms need."""

    id: str
    created: int
    model: str
    fingerprint: str
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]  # shape (labels,)
    prompt_tokens: int
    top: int | None  # None: no logprobs were asked for

    def completion(self) -> bytes:
        """The body of a whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": self.answer, "refusal": None, "annotations": []}
        choice = {"index": 0, "message": message, "logprobs": self._logprobs, "finish_reason": "stop"}
        return msgspec.json.encode(self._head("chat.completion") | {"choices": [choice], "usage": self._usage})

    def events(self, *, with_usage: bool) -> Iterator[bytes]:
        """The server-sent events of a streamed answer: role, content, end, perhaps usage, and `[DONE]`."""
        deltas: list[tuple[dict[str, Any], Any, str | None]] = [
            ({"role": "assistant", "content": "", "refusal": None}, None, None),
            ({"content": self.answer}, self._logprobs, None),
            ({}, None, "stop"),
        ]
        head = self._head("chat.completion.chunk") | ({"usage": None} if with_usage else {})
        for delta, logprobs, finish_reason in deltas:
            choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
            yield _event(head | {"choices": [choice]})
        if with_usage:
            yield _event(head | {"choices": [], "usage": self._usage})
        yield b"data: [DONE]\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    @property
    def answer(self) -> str:
        """The most probable label."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def _usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": 1,
            "total_tokens": self.prompt_tokens + 1,
        }

    @property
    def _logprobs(self) -> dict[str, Any] | None:
        return None if self.tokens is None else {"content": self.tokens, "refusal": None}

    @property
    def tokens(self) -> list[dict[str, Any]] | None:
        """The answer as one token, whose logprob is the log of the label's probability; None if nobody asked."""
        if self.top is None:
            return None
        order = (-self.probabilities).argsort(kind="stable")
        best = [self._token(int(index)) for index in order[: max(self.top, 1)]]
        return [best[0] | {"top_logprobs": best[: self.top]}]

    def _token(self, index: int) -> dict[str, Any]:
        label, share = self.labels[index], float(self.probabilities[index])
        logprob = max(math.log(share), _LEAST) if share > 0 else _LEAST
        return {"token": label, "logprob": logprob, "bytes": list(label.encode())}


_DECODER = msgspec.json.Decoder(ChatRequest)


def decode(body: bytes) -> ChatRequest:
    """The request in a body.

    Raises:
        WireError: it is no chat request, or asks for what a student cannot do.
    """
    request = parsed(body, _DECODER)
    _refuse_what_a_student_cannot(request)
    return request


def parsed(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """What a decoder finds in a body.

    Raises:
        WireError: nothing of its type.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise WireError(400, f"Invalid request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WireError(400, "We could not parse the JSON body of your request.") from None


def input_text(request: ChatRequest, *, param: str = "messages") -> str:
    """The last user message; `param` is the field of the body that should have had it.

    Raises:
        WireError: there is none.
    """
    for message in reversed(request.messages):
        if message.role == "user" and (text := message.plain()).strip():
            return text
    raise WireError(400, "A student needs a user message with text.", param=param)


def prompt_tokens(request: ChatRequest) -> int:
    """Tokens of the prompt, at four bytes of UTF-8 a token: an approximation, for there is no tokenizer of the chat."""
    return sum(-(-len(message.plain().encode("utf-8", "surrogatepass")) // 4) for message in request.messages)


def models(names: list[tuple[str, int]]) -> bytes:
    """The list of models, each a name with its time of creation."""
    return msgspec.json.encode({"object": "list", "data": [_model(name, created) for name, created in names]})


def model(name: str, created: int) -> bytes:
    """One model."""
    return msgspec.json.encode(_model(name, created))


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "preceptor"}


def _event(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _refuse_what_a_student_cannot(request: ChatRequest) -> None:
    if (request.n or 1) != 1:
        raise WireError(400, f"A student has one answer; n={request.n} is not supported.", param="n")
    if request.top_logprobs and not request.logprobs:
        raise WireError(400, "top_logprobs needs logprobs to be true.", param="top_logprobs")
    if (request.response_format or {}).get("type", "text") != "text":
        raise WireError(400, "A student answers with a label; response_format must be text.", param="response_format")
    if request.tool_choice not in (None, "none", "auto"):
        raise WireError(400, "A student calls no tools; tool_choice must be none or auto.", param="tool_choice")
    parts = (part for message in request.messages if isinstance(message.content, list) for part in message.content)
    if other := next((part.type for part in parts if part.type != "text"), None):
        raise WireError(400, f"A student reads text; {other[:32]!r} content is not supported.", param="messages")

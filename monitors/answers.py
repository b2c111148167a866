"""The text of a teacher's answer, whole, by the endpoint that gave it.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Usage

_FILTERED = "content_filter"  # what is left of a filtered answer says nothing about the student


class Reply(msgspec.Struct, frozen=True):
    """What the teacher said and what it used."""

    text: str
    usage: Usage


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Chat(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    usage: Usage | None = None


class _Text(msgspec.Struct):
    text: str
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Text], msgspec.Meta(min_length=1)]
    usage: Usage | None = None


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _Item(msgspec.Struct):
    type: str
    content: list[_Part] | None = None


class _Tokens(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Response(msgspec.Struct):
    status: str
    output: list[_Item]
    usage: _Tokens | None = None


_CHAT = msgspec.json.Decoder(_Chat)
_COMPLETION = msgspec.json.Decoder(_Completion)
_RESPONSE = msgspec.json.Decoder(_Response)


def read(endpoint: str, body: bytes) -> Reply:
    """The answer in a body, read with our own types: the SDK's do not check what a server sends.

    Raises:
        UpstreamError: it has no text to compare, or it was filtered.
    """
    reader = _READERS.get(endpoint)
    if reader is None:
        raise UpstreamError(UpstreamFailure.PROTOCOL, f"answers of {endpoint} have no text to compare")
    try:
        return reader(body)
    except msgspec.DecodeError as error:
        raise UpstreamError(UpstreamFailure.PROTOCOL, f"the answer has no text to compare: {error}") from None


def comparable(endpoint: str) -> bool:
    """Whether answers of this endpoint have a text."""
    return endpoint in _READERS


def _chat(body: bytes) -> Reply:
    answer = _CHAT.decode(body)
    choice = answer.choices[0]
    return _unfiltered(choice.message.content, choice.finish_reason, answer.usage)


def _completion(body: bytes) -> Reply:
    answer = _COMPLETION.decode(body)
    choice = answer.choices[0]
    return _unfiltered(choice.text, choice.finish_reason, answer.usage)


def _response(body: bytes) -> Reply:
    """The first text of the output, as the gateway journals the student's."""
    answer = _RESPONSE.decode(body)
    parts = [part for item in answer.output if item.type == "message" for part in item.content or ()]
    text = next((part.text for part in parts if part.type == "output_text"), None)
    if text is None or answer.status != "completed":
        raise UpstreamError(UpstreamFailure.PROTOCOL, f"the response is {answer.status[:32]} or has no text")
    tokens = answer.usage or _Tokens()
    return Reply(text, Usage(tokens.input_tokens, tokens.output_tokens))


def _unfiltered(text: str, finish_reason: str | None, usage: Usage | None) -> Reply:
    if finish_reason == _FILTERED:
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the answer was filtered")
    return Reply(text, usage or Usage())


_READERS: dict[str, Callable[[bytes], Reply]] = {
    "/chat/completions": _chat,
    "/completions": _completion,
    "/responses": _response,
}

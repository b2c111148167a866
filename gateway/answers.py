"""What a model answered, whole or in pieces: every text that a policy must see, and how to send another one instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.records import Usage
from gateway.wire import Function, ToolCall


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
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None


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
        extra = {"reasoning_content": message.reasoning_content, "function_call": _arguments(message.function_call)}
        for number, call in enumerate(message.tool_calls or ()):
            extra[f"tool_calls.{call.index or number}"] = _arguments(call.function)
        for key, text in extra.items():
            if text:
                choice.extra = choice.extra | {key: choice.extra.get(key, "") + text}


def _arguments(function: Function | None) -> str | None:
    return None if function is None else function.arguments


def whole(body: bytes) -> Answer:
    """The answer in a body that was not streamed.

    Raises:
        msgspec.DecodeError: it is not a chat completion.
    """
    builder = AnswerBuilder()
    builder.add(body)
    return builder.build()


def remake(head: dict[str, Any], answer: Answer, contents: Sequence[str | None], *, finish_reason: str = "") -> bytes:
    """A whole answer with other contents, after redaction or a block; log-probabilities would tell the text."""
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

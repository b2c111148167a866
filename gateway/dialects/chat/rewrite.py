"""Sends something else than the model wrote: redacted texts, or a withheld answer that has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway import decoding
from gateway.answers import Answer, Slot
from gateway.decoding import given, raw
from gateway.dialect import Call, Fields, Head
from gateway.dialects.chat.answer import PLACES

_OBJECTS = msgspec.json.Decoder(list[Fields])
_INDEX = msgspec.json.Decoder(int)
_NULL = msgspec.Raw(b"null")


class ChatRedactor:
    """Puts redacted texts in the place of a model's; every other value stays as it was, to the byte.

    Of a stream, the first chunk that has a piece of a redacted text gets all of it and the later ones none.
    Log-probabilities go, because they spell the text out.
    """

    def __init__(self, texts: Mapping[Slot, str]) -> None:
        """`texts` holds the slots that changed."""
        self._left = dict(texts)
        self._changed = frozenset(texts)

    def apply(self, chunk: bytes) -> bytes:
        """A whole answer or a chunk, which must be well formed, with the texts replaced."""
        fields = decoding.fields(chunk)
        choices = _OBJECTS.decode(fields["choices"])
        for choice in choices:
            index = _INDEX.decode(choice["index"]) if "index" in choice else 0
            if "logprobs" in choice:
                choice["logprobs"] = _NULL
            for name in ("message", "delta"):
                if given(choice, name):
                    choice[name] = self._message(index, choice[name])
        fields["choices"] = raw(choices)
        return msgspec.json.encode(fields)

    def _message(self, index: int, message: msgspec.Raw) -> msgspec.Raw:
        fields = decoding.fields(message)
        for place in PLACES:
            self._replace(fields, place, (index, place))
        if given(fields, "function_call"):
            fields["function_call"] = self._call(fields["function_call"], "arguments", (index, "function_call"))
        if given(fields, "tool_calls"):
            calls = _OBJECTS.decode(fields["tool_calls"])
            for number, call in enumerate(calls):
                position = _INDEX.decode(call["index"]) if given(call, "index") else number
                for kind, key in (("function", "arguments"), ("custom", "input")):
                    if given(call, kind):
                        call[kind] = self._call(call[kind], key, (index, f"tool_calls.{position}"))
            fields["tool_calls"] = raw(calls)
        return raw(fields)

    def _call(self, call: msgspec.Raw, key: str, slot: Slot) -> msgspec.Raw:
        fields = decoding.fields(call)
        self._replace(fields, key, slot)
        return raw(fields)

    def _replace(self, fields: Fields, key: str, slot: Slot) -> None:
        if slot in self._changed and given(fields, key):
            fields[key] = raw(self._left.pop(slot, ""))


def without_logprobs(chunk: bytes) -> bytes:
    """A whole answer or a chunk with `logprobs: null` in every choice that had some."""
    fields = decoding.fields(chunk)
    choices = _OBJECTS.decode(fields["choices"])
    for choice in choices:
        if "logprobs" in choice:
            choice["logprobs"] = _NULL
    fields["choices"] = raw(choices)
    return msgspec.json.encode(fields)


def withheld(answer: Answer, head: Head) -> bytes:
    """A blocked answer without its text."""
    message = {"role": "assistant", "content": None, "refusal": None}
    choices = [
        {"index": choice.index, "message": message, "logprobs": None, "finish_reason": "content_filter"}
        for choice in answer.choices
    ]
    return msgspec.json.encode(_head(head, "chat.completion") | {"choices": choices, "usage": _usage(answer)})


def withheld_events(call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
    """The same as the events of a stream."""
    delta = {"role": "assistant"}
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": "content_filter"}]}
        for index in (choice.index for choice in answer.choices)
    ]
    if call.include_usage:
        chunks.append({"choices": [], "usage": _usage(answer)})
    return tuple(msgspec.json.encode(_head(head, "chat.completion.chunk") | chunk) for chunk in chunks)


def _head(head: Head, kind: str) -> dict[str, Any]:
    return {"id": head.id, "object": kind, "created": head.created, "model": head.model}


def _usage(answer: Answer) -> dict[str, int]:
    tokens = answer.usage
    return {
        "prompt_tokens": tokens.prompt_tokens,
        "completion_tokens": tokens.completion_tokens,
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
    }

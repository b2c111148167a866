"""Sends something else than the model wrote: redacted texts, or a withheld answer that has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.answers import PLACES, Answer, Slot

_Fields = dict[str, msgspec.Raw]

_OBJECT = msgspec.json.Decoder(_Fields)
_OBJECTS = msgspec.json.Decoder(list[_Fields])
_INDEX = msgspec.json.Decoder(int)
_NULL = msgspec.Raw(b"null")


class Redactor:
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
        fields = _OBJECT.decode(chunk)
        choices = _OBJECTS.decode(fields["choices"])
        for choice in choices:
            index = _INDEX.decode(choice["index"]) if "index" in choice else 0
            if "logprobs" in choice:
                choice["logprobs"] = _NULL
            for name in ("message", "delta"):
                if _given(choice, name):
                    choice[name] = self._message(index, choice[name])
        fields["choices"] = _raw(choices)
        return msgspec.json.encode(fields)

    def _message(self, index: int, message: msgspec.Raw) -> msgspec.Raw:
        fields = _OBJECT.decode(message)
        for place in PLACES:
            self._replace(fields, place, (index, place))
        if _given(fields, "function_call"):
            fields["function_call"] = self._call(fields["function_call"], "arguments", (index, "function_call"))
        if _given(fields, "tool_calls"):
            calls = _OBJECTS.decode(fields["tool_calls"])
            for number, call in enumerate(calls):
                position = _INDEX.decode(call["index"]) if _given(call, "index") else number
                for kind, key in (("function", "arguments"), ("custom", "input")):
                    if _given(call, kind):
                        call[kind] = self._call(call[kind], key, (index, f"tool_calls.{position}"))
            fields["tool_calls"] = _raw(calls)
        return _raw(fields)

    def _call(self, call: msgspec.Raw, key: str, slot: Slot) -> msgspec.Raw:
        fields = _OBJECT.decode(call)
        self._replace(fields, key, slot)
        return _raw(fields)

    def _replace(self, fields: _Fields, key: str, slot: Slot) -> None:
        if slot in self._changed and _given(fields, key):
            fields[key] = _raw(self._left.pop(slot, ""))


def changed(answer: Answer, texts: tuple[str, ...]) -> dict[Slot, str]:
    """Which texts of an answer differ from `texts`, which stand in the order of its subject."""
    before = answer.subject("").texts
    triples = zip(answer.slots, before, texts, strict=True)
    return {slot: new for slot, old, new in triples if new != old}


def withheld(answer: Answer, *, id_: str, created: int, model: str) -> bytes:
    """What a client gets instead of an answer that a policy blocked: its shape, its usage, and none of its text."""
    message = {"role": "assistant", "content": None, "refusal": None}
    choices = [
        {"index": choice.index, "message": message, "logprobs": None, "finish_reason": "content_filter"}
        for choice in answer.choices
    ]
    head = {"id": id_, "object": "chat.completion", "created": created, "model": model}
    return msgspec.json.encode(head | {"choices": choices, "usage": _usage(answer)})


def withheld_events(answer: Answer, *, id_: str, created: int, model: str, with_usage: bool) -> tuple[bytes, ...]:
    """The same as the events of a stream."""
    head = {"id": id_, "object": "chat.completion.chunk", "created": created, "model": model}
    chunks: list[dict[str, Any]] = [
        {
            "choices": [
                {
                    "index": choice.index,
                    "delta": {"role": "assistant"},
                    "logprobs": None,
                    "finish_reason": "content_filter",
                }
            ]
        }
        for choice in answer.choices
    ]
    if with_usage:
        chunks.append({"choices": [], "usage": _usage(answer)})
    return tuple(msgspec.json.encode(head | chunk) for chunk in chunks)


def _usage(answer: Answer) -> dict[str, int]:
    tokens = answer.usage
    return {
        "prompt_tokens": tokens.prompt_tokens,
        "completion_tokens": tokens.completion_tokens,
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
    }


def _given(fields: _Fields, key: str) -> bool:
    return key in fields and bytes(fields[key]) != b"null"


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))

"""Sends something else than the model wrote: redacted texts, or a withheld answer that has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway import decoding
from gateway.answers import CONTENT, Answer, Slot
from gateway.decoding import given, raw
from gateway.dialect import Call, Fields, Head
from gateway.dialects import tokens

_OBJECTS = msgspec.json.Decoder(list[Fields])
_INDEX = msgspec.json.Decoder(int)
_TEXT = msgspec.json.Decoder(str)
_NULL = msgspec.Raw(b"null")


class CompletionRedactor:
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
        return _each_choice(chunk, self._redact)

    def _redact(self, choice: Fields) -> None:
        slot = (_INDEX.decode(choice["index"]) if "index" in choice else 0, CONTENT)
        if slot in self._changed and given(choice, "text") and _TEXT.decode(choice["text"]):
            choice["text"] = raw(self._left.pop(slot, ""))
        _silence(choice)


def without_logprobs(chunk: bytes) -> bytes:
    """A whole answer or a chunk with `logprobs: null` in every choice that had some."""
    return _each_choice(chunk, _silence)


def withheld(answer: Answer, head: Head) -> bytes:
    """A blocked answer without its text."""
    choices = [_empty(choice.index) for choice in answer.choices]
    return msgspec.json.encode(_head(head) | {"choices": choices, "usage": tokens.written(answer.usage)})


def withheld_events(call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
    """The same as the events of a stream."""
    chunks: list[dict[str, Any]] = [{"choices": [_empty(choice.index)]} for choice in answer.choices]
    if call.include_usage:
        chunks.append({"choices": [], "usage": tokens.written(answer.usage)})
    return tuple(msgspec.json.encode(_head(head) | chunk) for chunk in chunks)


def _each_choice(chunk: bytes, change: Callable[[Fields], None]) -> bytes:
    fields = decoding.fields(chunk)
    choices = _OBJECTS.decode(fields["choices"])
    for choice in choices:
        change(choice)
    fields["choices"] = raw(choices)
    return msgspec.json.encode(fields)


def _silence(choice: Fields) -> None:
    if "logprobs" in choice:
        choice["logprobs"] = _NULL


def _empty(index: int) -> dict[str, Any]:
    return {"index": index, "text": "", "logprobs": None, "finish_reason": "content_filter"}


def _head(head: Head) -> dict[str, Any]:
    return {"id": head.id, "object": "text_completion", "created": head.created, "model": head.model}

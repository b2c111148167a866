"""Vectors: no text for the checks, and tokens to pay for."""

from __future__ import annotations

import msgspec

from domain.records import Usage
from gateway.answers import Answer
from gateway.dialect import Head
from gateway.dialects import tokens
from gateway.dialects.tokens import Tokens


class _Body(msgspec.Struct):
    data: list[msgspec.Raw]
    usage: Tokens | None = None


_BODY = msgspec.json.Decoder(_Body)


class NothingToRedact:
    """The redactor of vectors, whose answer has no slot that could change."""

    def apply(self, chunk: bytes) -> bytes:
        """The answer as it was."""
        return chunk


def whole(body: bytes) -> Answer:
    """The answer in a body: it has no choices.

    Raises:
        msgspec.DecodeError: it is not a list of embeddings.
    """
    value = _BODY.decode(body)
    return Answer((), value.usage.usage() if value.usage else Usage())


def withheld(answer: Answer, head: Head) -> bytes:
    """A blocked answer: the list without its vectors."""
    usage = tokens.written(answer.usage)
    del usage["completion_tokens"]
    return msgspec.json.encode({"object": "list", "data": [], "model": head.model, "usage": usage})

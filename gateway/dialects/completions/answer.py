"""Completions and their chunks: every text of them, put together."""

from __future__ import annotations

import msgspec

from domain.records import Usage
from gateway.answers import CONTENT, Answer, Choice, Slot, add_piece
from gateway.dialects.pieces import Pieces
from gateway.dialects.tokens import Tokens


class _Logprobs(msgspec.Struct):
    token_logprobs: list[float | None] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    text: str | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice]
    usage: Tokens | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class CompletionReader:
    """Puts an answer together from its chunks; a whole answer is one chunk."""

    ended = False  # [DONE] says so

    def __init__(self) -> None:
        self.speaks = False
        self._texts: dict[int, list[str]] = {}
        self._reasons: dict[int, str] = {}
        self._usage = Usage()

    def add(self, data: bytes) -> None:
        """See `gateway.dialect.AnswerReader`."""
        value = _CHUNK.decode(data)
        for choice in value.choices:
            texts = self._texts.setdefault(choice.index, [])
            if choice.text:
                add_piece(texts, choice.text)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
            self.speaks = self.speaks or bool(choice.text or choice.finish_reason)
        if value.usage is not None:
            self._usage = value.usage.usage()

    def build(self) -> Answer:
        """See `gateway.dialect.AnswerReader`."""
        choices = [
            Choice(index, {CONTENT: "".join(texts)} if texts else {}, self._reasons.get(index, ""))
            for index, texts in sorted(self._texts.items())
        ]
        return Answer(tuple(choices), self._usage)


def whole(body: bytes) -> Answer:
    """The answer in a body that was not streamed.

    Raises:
        msgspec.DecodeError: it is not a completion.
    """
    reader = CompletionReader()
    reader.add(body)
    return reader.build()


def logprobs(data: bytes) -> list[tuple[int, float]]:
    """The index of the choice and the log-probability of every token; the first of an echoed prompt has none."""
    return [
        (choice.index, logprob)
        for choice in _CHUNK.decode(data).choices
        if choice.logprobs
        for logprob in choice.logprobs.token_logprobs or ()
        if logprob is not None
    ]


def pieces(data: bytes) -> Pieces:
    """The pieces of texts in a chunk."""
    found: dict[Slot, int] = {}
    ended = []
    for choice in _CHUNK.decode(data).choices:
        if choice.text:
            slot = (choice.index, CONTENT)
            found[slot] = found.get(slot, 0) + len(choice.text)
        if choice.finish_reason:
            ended.append(choice.index)
    return Pieces(found, ended)


def only_usage(data: bytes) -> bool:
    """Whether a chunk holds the usage and no choice."""
    value = _CHUNK.decode(data)
    return value.usage is not None and not value.choices

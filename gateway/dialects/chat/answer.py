"""Chat completions and their chunks: every text of them, put together."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from domain.records import Usage
from gateway.answers import Answer, Choice, Slot, add_piece
from gateway.dialects.pieces import Pieces

PLACES = ("content", "refusal", "reasoning_content", "reasoning", "thinking")  # beside them: tool arguments
_RARER = PLACES[1:]


class _Function(msgspec.Struct):
    arguments: Any = None


class _Custom(msgspec.Struct):
    input: Any = None


class _ToolCall(msgspec.Struct):
    index: int | None = None
    function: _Function | None = None
    custom: _Custom | None = None


class _Message(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None
    function_call: _Function | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]  # more would not fit the store's integers


class _Tokens(msgspec.Struct):
    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice]
    usage: _Tokens | None = None


class _Token(msgspec.Struct):
    logprob: float


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None
    refusal: list[_Token] | None = None


class _ScoredChoice(msgspec.Struct):
    index: int = 0
    logprobs: _Logprobs | None = None


class _ScoredChunk(msgspec.Struct):
    choices: list[_ScoredChoice]


_NO_USAGE = Usage()
_CHUNK = msgspec.json.Decoder(_Chunk)
_SCORED = msgspec.json.Decoder(_ScoredChunk)


class ChatReader:
    """Puts an answer together from its chunks; a whole answer is one chunk with messages instead of deltas."""

    ended = False  # [DONE] says so

    def __init__(self) -> None:
        self.speaks = False
        self._texts: dict[int, dict[str, list[str]]] = {}
        self._reasons: dict[int, str] = {}
        self._usage = Usage()

    def add(self, data: bytes) -> None:
        """See `gateway.dialect.AnswerReader`."""
        value = _CHUNK.decode(data)
        for choice in value.choices:
            texts = self._texts.get(choice.index)
            if texts is None:
                texts = self._texts[choice.index] = {}
            for message in (choice.delta, choice.message):
                if message is not None:
                    _extend(texts, message)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
            if texts or choice.finish_reason:
                self.speaks = True
        if value.usage is not None:
            self._usage = Usage(value.usage.prompt_tokens, value.usage.completion_tokens)

    def build(self) -> Answer:
        """See `gateway.dialect.AnswerReader`."""
        choices = [
            Choice(index, {place: "".join(pieces) for place, pieces in texts.items()}, self._reasons.get(index, ""))
            for index, texts in sorted(self._texts.items())
        ]
        return Answer(tuple(choices), self._usage)


def whole(body: bytes) -> Answer:
    """The answer in a body that was not streamed.

    Raises:
        msgspec.DecodeError: it is not a chat completion.
    """
    value = _CHUNK.decode(body)
    choices = []
    for choice in value.choices:
        texts: dict[str, list[str]] = {}
        for message in (choice.message, choice.delta):
            if message is not None:
                _extend(texts, message)
        written = {place: pieces[0] if len(pieces) == 1 else "".join(pieces) for place, pieces in texts.items()}
        choices.append(Choice(choice.index, written, choice.finish_reason or ""))
    if len(choices) > 1:
        choices.sort(key=lambda choice: choice.index)
    tokens = value.usage
    usage = _NO_USAGE if tokens is None else Usage(tokens.prompt_tokens, tokens.completion_tokens)
    return Answer(tuple(choices), usage)


def logprobs(data: bytes) -> list[tuple[int, float]]:
    """The index of the choice and the log-probability of every token."""
    return [
        (choice.index, token.logprob)
        for choice in _SCORED.decode(data).choices
        if choice.logprobs
        for tokens in (choice.logprobs.content, choice.logprobs.refusal)
        for token in tokens or ()
    ]


def pieces(data: bytes) -> Pieces:
    """The pieces of texts in a chunk."""
    found: dict[Slot, int] = {}
    ended = []
    for choice in _CHUNK.decode(data).choices:
        texts: dict[str, list[str]] = {}
        for message in (choice.delta, choice.message):
            if message is not None:
                _extend(texts, message)
        for place, said in texts.items():
            slot = (choice.index, place)
            found[slot] = found.get(slot, 0) + sum(map(len, said))
        if choice.finish_reason:
            ended.append(choice.index)
    return Pieces(found, ended)


def only_usage(data: bytes) -> bool:
    """Whether a chunk holds the usage and no choice."""
    if b"prompt_tokens" not in data:  # most chunks say `usage: null`, if anything
        return False
    value = _CHUNK.decode(data)
    return value.usage is not None and not value.choices


def _extend(texts: dict[str, list[str]], message: _Message) -> None:
    if message.content:
        _append(texts, "content", message.content)
    for place in _RARER:
        if written := getattr(message, place):
            _append(texts, place, written)
    if message.function_call is not None:
        _append(texts, "function_call", message.function_call.arguments)
    for number, call in enumerate(message.tool_calls or ()):
        place = f"tool_calls.{number if call.index is None else call.index}"
        for part in (call.function and call.function.arguments, call.custom and call.custom.input):
            _append(texts, place, part)


def _append(texts: dict[str, list[str]], place: str, written: Any) -> None:
    """Some servers send an object where OpenAI sends a string: policies see it as JSON, so nothing slips by."""
    if written:
        text = written if isinstance(written, str) else msgspec.json.encode(written).decode()
        add_piece(texts.setdefault(place, []), text)

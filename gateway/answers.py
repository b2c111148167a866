"""What a model answered, whole or in pieces: every text of it that a policy must see."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from domain.ports import Subject
from domain.records import Stage, Usage

Slot = tuple[int, str]  # the index of a choice, and the place of a text in its message
PLACES = ("content", "refusal", "reasoning_content", "reasoning")  # beside them: tool arguments
_TOOLS = ("function_call", "tool_calls.")


class Choice(msgspec.Struct, frozen=True):
    """One choice of an answer; `texts` by place, none of them empty."""

    index: int
    texts: dict[str, str] = {}
    finish_reason: str = ""

    @property
    def content(self) -> str:
        """What the client shows as the answer."""
        return self.texts.get("content", "")

    @property
    def calls_tools(self) -> bool:
        """Whether the model asked for a tool."""
        return any(place.startswith(_TOOLS) for place in self.texts)


class Answer(msgspec.Struct, frozen=True):
    """What a model said, whether it came whole or in pieces."""

    choices: tuple[Choice, ...]
    usage: Usage = Usage()

    @property
    def slots(self) -> list[Slot]:
        """Where the texts of `subject` stand, in the same order; every choice has a content, though it may be empty."""
        return [(choice.index, place) for choice in self.choices for place in {"content": "", **choice.texts}]

    def subject(self, input_text: str) -> Subject:
        """All texts for the policies.  A content is an answer proper unless it is empty beside a call of a tool."""
        texts: list[str] = []
        proper: list[int] = []
        for choice in self.choices:
            if choice.content or not choice.calls_tools:
                proper.append(len(texts))
            texts += {"content": "", **choice.texts}.values()
        return Subject(Stage.OUTPUT, tuple(texts), tuple(proper), input_text)


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


_CHUNK = msgspec.json.Decoder(_Chunk)


class AnswerBuilder:
    """Puts an answer together from its chunks; a whole answer is one chunk with messages instead of deltas."""

    def __init__(self) -> None:
        self._texts: dict[int, dict[str, list[str]]] = {}
        self._reasons: dict[int, str] = {}
        self._usage = Usage()

    def add(self, chunk: bytes) -> None:
        """Take one JSON object in.

        Raises:
            msgspec.DecodeError: it is not a chat completion or a chunk of one.
        """
        value = _CHUNK.decode(chunk)
        for choice in value.choices:
            texts = self._texts.setdefault(choice.index, {})
            for message in filter(None, (choice.message, choice.delta)):
                _extend(texts, message)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
        if value.usage is not None:
            self._usage = Usage(value.usage.prompt_tokens, value.usage.completion_tokens)

    @property
    def speaks(self) -> bool:
        """Whether more has come than the announcement of a role."""
        return bool(self._reasons) or any(self._texts.values())

    def build(self) -> Answer:
        """The answer so far."""
        choices = (
            Choice(index, {place: "".join(pieces) for place, pieces in texts.items()}, self._reasons.get(index, ""))
            for index, texts in sorted(self._texts.items())
        )
        return Answer(tuple(choices), self._usage)


def whole(body: bytes) -> Answer:
    """The answer in a body that was not streamed.

    Raises:
        msgspec.DecodeError: it is not a chat completion.
    """
    builder = AnswerBuilder()
    builder.add(body)
    return builder.build()


def _extend(texts: dict[str, list[str]], message: _Message) -> None:
    for place in PLACES:
        _append(texts, place, getattr(message, place))
    if message.function_call is not None:
        _append(texts, "function_call", message.function_call.arguments)
    for number, call in enumerate(message.tool_calls or ()):
        place = f"tool_calls.{number if call.index is None else call.index}"
        for written in (call.function and call.function.arguments, call.custom and call.custom.input):
            _append(texts, place, written)


def _append(texts: dict[str, list[str]], place: str, written: Any) -> None:
    """Some servers send an object where OpenAI sends a string: policies see it as JSON, so nothing slips by."""
    if written:
        text = written if isinstance(written, str) else msgspec.json.encode(written).decode()
        texts.setdefault(place, []).append(text)

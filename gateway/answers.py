"""What a model answered, in whatever dialect: every text of it that a policy must see."""

from __future__ import annotations

import msgspec

from domain.ports import Subject
from domain.records import Stage, Usage

Slot = tuple[int, str]  # the index of a choice, and the place of a text in it
CONTENT = "content"  # the place of the answer proper; other places are named by each dialect
_MOST_PIECES = 512  # a token as an object of its own takes ten times its letters
_TOOLS = ("function_call", "tool_calls.")


class Choice(msgspec.Struct, frozen=True):
    """One choice of an answer; `texts` by place, none of them empty."""

    index: int
    texts: dict[str, str] = {}
    finish_reason: str = ""

    @property
    def content(self) -> str:
        """What the client shows as the answer."""
        return self.texts.get(CONTENT, "")

    @property
    def calls_tools(self) -> bool:
        """Whether the model asked for a tool."""
        return any(place.startswith(_TOOLS) for place in self.texts)

    def silenced(self) -> Choice:
        """The same choice as a client sees it when a policy withholds its text."""
        return Choice(self.index, {}, "content_filter")


class Answer(msgspec.Struct, frozen=True):
    """What a model said, whole or in pieces.  `failed`: it says itself that it did not come to an end."""

    choices: tuple[Choice, ...]
    usage: Usage = Usage()
    failed: bool = False

    @property
    def slots(self) -> list[Slot]:
        """Where the texts of `subject` stand, in the same order; every choice has a content, though it may be empty."""
        return [(choice.index, place) for choice in self.choices for place in {CONTENT: "", **choice.texts}]

    def subject(self, input_text: str, instructions: str = "", *, scoped: bool = False) -> Subject:
        """All texts for the policies.  A content is an answer proper unless it is empty beside a call of a tool.

        `scoped` says of each text what it is.
        """
        texts: list[str] = []
        proper: list[int] = []
        for choice in self.choices:
            if choice.content or not choice.calls_tools:
                proper.append(len(texts))
            texts += {CONTENT: "", **choice.texts}.values()
        if not scoped:
            return Subject(Stage.OUTPUT, tuple(texts), tuple(proper), input_text, instructions)
        slots = self.slots
        kinds, choices = tuple(_kind(place) for _, place in slots), tuple(index for index, _ in slots)
        return Subject(Stage.OUTPUT, tuple(texts), tuple(proper), input_text, instructions, kinds, choices)

    def changes(self, texts: tuple[str, ...]) -> dict[Slot, str]:
        """Which texts differ from `texts`, which stand in the order of the subject."""
        before = self.subject("").texts
        return {slot: new for slot, old, new in zip(self.slots, before, texts, strict=True) if new != old}

    def with_texts(self, changed: dict[Slot, str]) -> Answer:
        """The same answer with other texts in some slots."""
        choices = tuple(
            msgspec.structs.replace(
                choice, texts={place: changed.get((choice.index, place), text) for place, text in choice.texts.items()}
            )
            for choice in self.choices
        )
        return msgspec.structs.replace(self, choices=choices)

    def ended(self, finish_reason: str) -> Answer:
        """The same answer, said to have ended for another reason."""
        choices = tuple(msgspec.structs.replace(choice, finish_reason=finish_reason) for choice in self.choices)
        return msgspec.structs.replace(self, choices=choices)

    def silenced(self) -> Answer:
        """The same answer without its texts."""
        return msgspec.structs.replace(self, choices=tuple(choice.silenced() for choice in self.choices))


def _kind(place: str) -> str:
    """What a text is, in the words of `domain.settings.AppliesTo.texts`."""
    if place == CONTENT:
        return "content"
    if place.startswith(_TOOLS):
        return "tool_arguments"
    for kind in ("refusal", "reasoning"):
        if kind in place:
            return kind
    return "reasoning" if place == "thinking" else "other"


def add_piece(pieces: list[str], text: str) -> None:
    """Take the next piece of a streamed text in, in memory of about the size of the text."""
    pieces.append(text)
    if len(pieces) > _MOST_PIECES:
        pieces[:] = ["".join(pieces)]

"""The seam between the pipeline and the endpoints: what a request and an answer look like on the wire.

A dialect knows bytes and no models, policies or connections; the pipeline knows no field of any endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from domain.errors import UpstreamFailure
from gateway.answers import Answer, Slot

Fields = dict[str, msgspec.Raw]
_INSTRUCTING = frozenset({"system", "developer"})


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has been understood, in whatever dialect."""

    dialect: Dialect
    body: bytes
    model: str
    texts: tuple[str, ...]  # all that a model will read, in order
    roles: tuple[str, ...]  # of each text, who says it: system, developer, user, assistant, tool
    input_text: str  # what the user said last: embedded by the monitors
    stream: bool = False
    include_usage: bool = False  # the client wants the usage of a stream as its last chunk
    user: str = ""  # the client's name of its user, for a sticky canary
    logprobs: bool = False  # the client wants the log-probabilities of the answer
    store: bool = False  # the client wants to list and get this answer later
    metadata: Mapping[str, str] = {}  # of a stored answer

    @property
    def instructions(self) -> str:
        """What the operator of the client tells the model."""
        return "\n".join([text for text, role in zip(self.texts, self.roles, strict=True) if role in _INSTRUCTING])


class Head(msgspec.Struct, frozen=True):
    """What every answer begins with, for one that we write ourselves."""

    id: str
    created: int
    model: str


class AnswerReader(Protocol):
    """Puts a streamed answer together from the data of its events."""

    @property
    def speaks(self) -> bool:
        """Whether more has come than an announcement: until then another model may still answer."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the last event said that it is the last; a dialect with a `done` sentinel never says so."""
        ...

    def add(self, data: bytes) -> None:
        """Take one event in.

        Raises:
            msgspec.DecodeError: it belongs to no answer of this dialect.
        """
        ...

    def build(self) -> Answer:
        """The answer so far."""
        ...


class Stretch(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text of the answer, as an event says them."""

    slot: Slot
    start: int
    end: int


class Spotted(NamedTuple):
    """What an event says: the stretches in it, in its order, and the texts that it says are complete."""

    stretches: tuple[Stretch, ...] = ()
    closed: tuple[Slot, ...] = ()


class Spotter(Protocol):
    """Tells of the events of one stream, each in its turn, where their texts stand in what a reader makes of them."""

    def spot(self, data: bytes) -> Spotted:
        """The texts of the next event, none of them empty."""
        ...


class Redactor(Protocol):
    """Puts redacted texts in the place of a model's; every other value stays as it was, to the byte."""

    def apply(self, chunk: bytes) -> bytes:
        """A whole answer, or the data of the next event, with the texts replaced."""
        ...


class Dialect(Protocol):
    """One endpoint: how its requests are read and its answers are read, changed and withheld."""

    name: str  # "chat": a metric label
    path: str  # "/chat/completions", relative to /v1 and to an upstream's base URL
    input_field: str  # what a blocked input is told to be wrong in
    done: bytes | None  # the data that ends a stream; None: the last event says so itself
    stores: bool  # its answers can be stored, listed and got again
    one_model: bool  # answers of two models cannot stand for each other (vectors)

    def decode(self, body: bytes) -> Call:
        """The request in a body.

        Raises:
            ApiError: 400, with the path of the offending field as `param`.
        """
        ...

    def for_model(self, call: Call, model: str, *, usage: bool = False, logprobs: bool = False) -> bytes:
        """The body for an upstream: another model, and every other value as it was, to the byte.

        `usage` asks for the usage of a stream though the client did not, `logprobs` for the answer's log-probabilities.
        """
        ...

    def whole(self, body: bytes) -> Answer:
        """The answer in a body that was not streamed.

        Raises:
            msgspec.DecodeError: it is none of this dialect.
        """
        ...

    def reader(self) -> AnswerReader:
        """A reader for one streamed answer."""
        ...

    def spotter(self) -> Spotter:
        """A spotter for one streamed answer."""
        ...

    def only_usage(self, data: bytes) -> bool:
        """Whether an event holds nothing but the usage, which a client that did not ask for it does not get."""
        ...

    def logprobs(self, data: bytes) -> list[tuple[int, float]]:
        """The index of the choice and the log-probability of every token in an answer or an event of one."""
        ...

    def without_logprobs(self, data: bytes) -> bytes:
        """An answer, or an event of one, without its log-probabilities."""
        ...

    def redactor(self, texts: Mapping[Slot, str]) -> Redactor:
        """A redactor for one answer; `texts` holds the slots that changed."""
        ...

    def rewritten(self, data: bytes, texts: Sequence[tuple[Slot, str | None]]) -> bytes:
        """An event with another text in the place of each stretch that a spotter found in it; None: the same.

        Log-probabilities go, because they spell the texts out.
        """
        ...

    def withheld(self, call: Call, answer: Answer, head: Head) -> bytes:
        """What a client gets instead of a blocked answer: its shape, its usage, and none of its text."""
        ...

    def withheld_events(self, call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
        """The same as the events of a stream."""
        ...

    def cut_off(self, call: Call, answer: Answer, head: Head, first: bytes, last: bytes) -> tuple[bytes, ...]:
        """The events that end a blocked stream of which a part has left, from its `first` event to its `last`.

        They name the answer as its first event did, and `head` names what that left out.
        """
        ...

    def frame(self, data: bytes) -> bytes:
        """An event on the wire."""
        ...

    def failure(self, kind: UpstreamFailure) -> bytes:
        """The event, framed, that tells a client of a stream that it broke; the SDK raises it as a retriable error."""
        ...

    def error(self, body: bytes) -> bytes:
        """An error's body as an event, framed, for a client that has already been sent a status."""
        ...

"""Every seam of Preceptor but the store.  An implementation is one file that ends with an interface guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from domain.follow_up import SignalEvent
from domain.records import (
    Decision,
    Manifest,
    Signal,
    Stage,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Headers = Sequence[tuple[bytes, bytes]]  # names in lower case


class Reply(msgspec.Struct, frozen=True):
    """A whole answer of an upstream."""

    status: int
    headers: Headers
    body: bytes


class ReplyStream(Protocol):
    """An answer whose body is still coming.  Always `aclose()` it: that gives back or drops the connection."""

    status: int
    headers: Headers

    def due(self, deadline: float | None) -> None:
        """Put the end of this exchange at a time of the event loop's clock; None: only silence ends it."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Pieces of the body as they come, never empty.

        Raises:
            UpstreamError: while iterating, when the upstream breaks off or stalls.
        """
        ...

    async def aclose(self) -> None:
        """End the exchange; an unfinished one drops the connection, which tells the upstream to stop."""
        ...


class Upstream(Protocol):
    """A model server.  `path` is relative to its base URL ("/chat/completions").

    `deadline`, a time of the event loop's clock, ends the exchange with a timeout, however busy it is.
    """

    async def complete(self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None) -> Reply:
        """POST a JSON body and wait for the whole answer, whatever its status.

        Raises:
            UpstreamError: there was no complete answer.
        """
        ...

    async def stream(
        self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None
    ) -> ReplyStream:
        """POST a JSON body and return as soon as the answer's head is there; `deadline` holds for what follows, too.

        Raises:
            UpstreamError: there was no head.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class Subject(msgspec.Struct, frozen=True):
    """What a check looks at: all texts of one stage.

    Input: every message.  Output: every choice, tool argument and refusal.
    """

    stage: Stage
    texts: tuple[str, ...]
    answers: tuple[int, ...] = ()  # indices of `texts` that are answers proper, for structural checks
    input_text: str = ""  # the last user message, for checks that compare output with input
    instructions: str = ""  # the system and developer messages of the request, for checks that look for their echo
    kinds: tuple[str, ...] = ()  # of each text, its role or what it is in an answer; given where a check asks for it
    choices: tuple[int, ...] = ()  # of each text of an answer, the choice it belongs to; likewise


class Check(Protocol):
    """One question about a subject.  Pure and synchronous; its cost is bounded by the size of the texts.

    `window` lets a check judge an answer while it streams.  It promises, for any text and any longer one that begins
    with it: what is found in the shorter text and ends more than `window` characters before its end is found in the
    longer one too, with the same span; and what is found in the longer one and begins more than `window` characters
    before the shorter one's end is found in the shorter one, or begins in one of its trigger matches that reaches into
    those last characters.  None: it judges whole answers only.
    """

    name: str
    triggers: tuple[str, ...]  # RE2 patterns: where none matches any text there is nothing to find; empty: always look
    window: int | None

    def inspect(self, subject: Subject) -> Decision | None:
        """A finding, or None when there is nothing to say.  May raise: the engine then applies `on_error`."""
        ...


class WaitingCheck(Protocol):
    """A check that may wait, for another process or for a thread; the engine gives it a deadline."""

    name: str

    async def inspect(self, subject: Subject) -> Decision | None:
        """See `Check.inspect`.  A cancelled one leaves nothing open."""
        ...


class Embedder(Protocol):
    """Texts to vectors.  Synchronous and heavy: a worker runs it in a thread, the gateway never."""

    name: str
    sha256: str  # of the weights: vectors of two embedders are never mixed

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length rows, shape (len(texts), dimensions)."""
        ...


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a detector hears of: counts of events with the exposure that could have produced them.

    A per-sample detector gets one input or pair a time (exposure 1, counts 0 or 1); a windowed detector gets an hour.
    `key` tells near-duplicates: observations of the same key may be collapsed.
    """

    at: float
    counts: tuple[float, ...]
    exposure: float = 1.0
    stratum: str = ""
    uniform: bool = True  # belongs to the uniform sample of all traffic too, not only to the sample of its stratum
    key: str = ""
    cluster: int | None = None  # of the input, in the reference; None: nobody looked


class Evidence(msgspec.Struct, frozen=True):
    """Where a detector stands after an update."""

    samples: int
    score: float  # the plain statistic in its own unit
    evidence: float  # log(e-value) / log(threshold); alarms at 1
    alarm: bool
    worst: str = ""  # the category (a cluster, a label) that adds most, where there are several


class Detector(Protocol):
    """A sequential test with a stated false-alarm budget.  Pure: same observations, same evidence, in any process."""

    name: str

    def update(self, observation: Observation) -> Evidence:
        """Take one observation in; an alarm resets the evidence to zero."""
        ...

    def state(self) -> bytes:
        """The memory as JSON, small enough to store after each batch."""
        ...

    def restore(self, state: bytes) -> None:
        """Continue from what `state` returned."""
        ...

    def budget(self) -> str:
        """The false-alarm budget in words, for evidence."""
        ...


class Notifier(Protocol):
    """Tells someone of a signal, or of what followed it."""

    async def notify(self, news: Signal | SignalEvent) -> None:
        """Deliver once.

        Raises:
            UpstreamError: not delivered; the caller tries again with the same id.
        """
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class Student(Protocol):
    """A trained student as the student server runs it."""

    manifest: Manifest

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Label probabilities, shape (len(texts), len(manifest.labels)), rows sum to 1."""
        ...

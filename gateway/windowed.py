"""A streamed answer that leaves behind a window: what leaves was judged, and its end is judged as a whole answer is."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from domain.records import Usage, Verdict
from gateway.attempt import HELD_BYTES, Received, Request, open_stream
from gateway.dialect import Head
from gateway.errors import unavailable_body
from gateway.stream import EventStream, ToldError, broken
from policies.redaction import Mark, cut, marks

if TYPE_CHECKING:
    from domain.ports import Subject, Upstream
    from gateway.answers import Answer, Slot
    from gateway.dialect import Call
    from policies.judgement import Judgement
    from policies.streaming import HoldBack


class _Named(msgspec.Struct):
    """What an event says of its answer, as far as it does."""

    id: str | None = None
    created: int | None = None
    model: str | None = None


_NAMED = msgspec.json.Decoder(_Named)


class Watch(msgspec.Struct, frozen=True):
    """How the answer to one call is watched."""

    call: Call
    hold: HoldBack
    subject: Callable[[Answer], Subject]
    judge: Callable[[Answer], Judgement]  # to be asked once, of what there is at the end
    head: Head  # of an answer that ends before the model has named itself


class _Piece(NamedTuple):
    """Where the text of an event stands in a text of the answer."""

    slot: Slot
    start: int
    end: int


class _Held(NamedTuple):
    """An event that waits."""

    data: bytes
    pieces: tuple[_Piece, ...]


async def ask_window(request: Request, watch: Watch, upstream: Upstream, deadline: float) -> WindowedStream | Received:
    """A stream of which a part may leave, or the answer that ended, or had to be ended, before that.

    Raises:
        UpstreamError: it did not begin by the deadline, or broke before a part of it could leave.
    """
    stream = await open_stream(request, upstream, deadline)
    if isinstance(stream, Received):
        return stream
    windowed = WindowedStream(stream, watch)
    began = False
    try:
        began = await windowed.begin()
        return windowed if began else windowed.whole()
    finally:
        if not began:
            await stream.aclose()


class WindowedStream:
    """The events of a streamed answer as they may leave; the face of `gateway.stream.EventStream`."""

    status = 200

    def __init__(self, stream: EventStream, watch: Watch) -> None:
        self.headers = stream.headers
        self.judged: Judgement | None = None  # at the end
        self._stream = stream
        self._watch = watch
        self._dialect = watch.call.dialect
        self._held: deque[_Held] = deque()
        self._held_bytes = 0
        self._lengths: dict[Slot, int] = {}
        self._free: dict[Slot, int] = {}
        self._marks: Mapping[Slot, Sequence[Mark]] = {}
        self._texts: Mapping[Slot, str] = {}
        self._left: dict[Slot, int] = {}
        self._next_look = watch.hold.next_look(0)
        self._head = watch.head
        self._stopped = False
        self._over = False

    @property
    def answer(self) -> Answer:
        """What the client got of the answer; of a blocked one, what had left."""
        answer = self._stream.answer
        if self.judged is not None and self.judged.verdict in {Verdict.BLOCK, Verdict.FALLBACK}:
            texts = self._texts.items()
            sent = {slot: cut(text, self._marks.get(slot, ()), 0, self._left.get(slot, 0)) for slot, text in texts}
            return answer.with_texts(sent).ended("content_filter")
        return answer if self.judged is None else answer.with_texts(answer.changes(self.judged.texts))

    async def begin(self) -> bool:
        """Wait until a piece of a text may leave; False: the answer ended before that, or may not go on."""
        while not self._may_begin():
            if self._stopped or not await self._more():
                return False
        return True

    def whole(self) -> Received:
        """An answer of which nothing has left.

        Raises:
            UpstreamError: the model says that it failed.
        """
        answer = self._stream.answer
        if answer.failed:
            raise broken("says that the model failed")
        return Received(200, self.headers, answer, events=tuple(event.data for event in self._held))

    def __aiter__(self) -> AsyncIterator[list[bytes]]:
        """The JSON of events, the sentinel excluded; see `__anext__`."""
        return self

    async def __anext__(self) -> list[bytes]:
        """The next events that may leave, at least one.

        Raises:
            UpstreamError: the stream broke, or a check that must see it could not run.
        """
        while not self._over:
            events = [] if self._stopped else self._release()
            if not events and (self._stopped or not await self._more()):
                events = self._end()
            if events:
                return events
        raise StopAsyncIteration

    def when_closed(self, callback: Callable[[bool], None]) -> None:
        """See `EventStream.when_closed`; that we stopped a model is no fault of its."""
        self._stream.when_closed(callback)

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()

    async def _more(self) -> bool:
        """Take the next events in and look at them, if it is time; False: there are none."""
        try:
            events = await anext(self._stream)
        except StopAsyncIteration:
            return False
        for data in events:
            self._take(data)
        if self._held_bytes > HELD_BYTES:
            raise broken(f"has more than {HELD_BYTES} bytes waiting for their verdict")
        chars = sum(self._lengths.values())
        if chars >= self._next_look:
            self._next_look = self._watch.hold.next_look(chars)
            self._look()
        return True

    def _take(self, data: bytes) -> None:
        if self._head is self._watch.head:
            self._head = _head(data, self._head)
        pieces = []
        for slot, text in self._dialect.pieces(data):
            start = self._lengths.get(slot, 0)
            self._lengths[slot] = start + len(text)
            pieces.append(_Piece(slot, start, start + len(text)))
        self._held.append(_Held(data, tuple(pieces)))
        self._held_bytes += len(data)

    def _look(self) -> None:
        answer = self._stream.answer
        subject = self._watch.subject(answer)
        view = self._watch.hold.look(subject)
        self._stopped = view.stopped
        self._know(answer, subject, view.marks)
        self._free = dict(zip(answer.slots, view.free, strict=True))

    def _know(self, answer: Answer, subject: Subject, found: Sequence[Sequence[Mark]]) -> None:
        self._texts = dict(zip(answer.slots, subject.texts, strict=True))
        self._marks = dict(zip(answer.slots, found, strict=True))

    def _may_begin(self) -> bool:
        for event in self._held:
            if event.pieces:
                return self._may_leave(event)
        return False

    def _may_leave(self, event: _Held) -> bool:
        return all(piece.end <= self._free.get(piece.slot, 0) for piece in event.pieces)

    def _release(self) -> list[bytes]:
        left = []
        while self._held and self._may_leave(self._held[0]):
            event = self._held.popleft()
            self._held_bytes -= len(event.data)
            left.append(self._written(event))
        return left

    def _written(self, event: _Held) -> bytes:
        """The event with the text that may be in it."""
        changed: dict[Slot, str] = {}
        for slot, start, end in event.pieces:
            self._left[slot] = end
            if any(mark.start < end and mark.end > start for mark in self._marks.get(slot, ())):
                changed[slot] = cut(self._texts[slot], self._marks[slot], start, end)
        return self._dialect.redactor(changed).apply(event.data) if changed else event.data

    def _end(self) -> list[bytes]:
        """Judge what there is, and let out what may still leave."""
        self._over = True
        answer = self._stream.answer
        judged = self.judged = self._watch.judge(answer)
        if judged.unavailable:
            raise ToldError(unavailable_body(judged.reason))
        if judged.verdict in {Verdict.BLOCK, Verdict.FALLBACK}:
            return self._cut_off(answer)
        redactions = [each for each in judged.decisions if each.verdict is Verdict.REDACT and not each.shadow]
        subject = self._watch.subject(answer)
        self._know(answer, subject, marks(subject.texts, redactions))
        self._free = dict(self._lengths)
        return self._release()

    def _cut_off(self, answer: Answer) -> list[bytes]:
        """The events that tell a client that no more will come; of a model that was stopped, nobody knows the usage."""
        self._texts = dict(zip(answer.slots, self._watch.subject(answer).texts, strict=True))
        call = self._watch.call
        if answer.usage == Usage():
            call = msgspec.structs.replace(call, include_usage=False)
        return list(self._dialect.withheld_events(call, answer, self._head))


def _head(data: bytes, own: Head) -> Head:
    """How the model named its answer; `own` where it did not."""
    try:
        named = _NAMED.decode(data)
    except msgspec.DecodeError:
        return own
    return Head(named.id or own.id, named.created or own.created, named.model or own.model)

"""A streamed answer that leaves behind a window: what leaves was judged, and its end is judged as a whole answer is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Usage, Verdict
from gateway.attempt import HELD_BYTES, Received, Request, open_stream
from gateway.errors import unavailable_body
from gateway.held import Held
from gateway.stream import EventStream, ToldError, broken
from policies.redaction import Mark, cut, marks

if TYPE_CHECKING:
    from domain.ports import Subject, Upstream
    from gateway.answers import Answer, Slot
    from gateway.dialect import Call, Head
    from gateway.held import Event
    from policies.judgement import Judgement
    from policies.streaming import HoldBack


_ENDING = frozenset({Verdict.BLOCK, Verdict.FALLBACK})


class Watch(msgspec.Struct, frozen=True):
    """How the answer to one call is watched."""

    call: Call
    hold: HoldBack
    subject: Callable[[Answer], Subject]
    judge: Callable[[Answer], Judgement]  # to be asked once, of what there is at the end
    head: Head  # of an answer that ends before the model has named itself


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
        self._held = Held(self._dialect.spotter())
        self._texts: Mapping[Slot, str] = {}
        self._free: Mapping[Slot, int] = {}
        self._marks: Mapping[Slot, Sequence[Mark]] = {}
        self._left: dict[Slot, int] = {}
        self._first = self._last = b""  # the event that came first, and the one that left last
        self._looked = 0  # the characters of the answer at the last look
        self._next_look = watch.hold.next_look(0)
        self._stopped = False
        self._over = False

    @property
    def answer(self) -> Answer:
        """What the client got of the answer; of a blocked one, what had left."""
        answer = self._stream.answer
        if self.judged is not None and self.judged.verdict in _ENDING:
            texts = self._texts.items()
            sent = {slot: cut(text, self._marks.get(slot, ()), 0, self._left.get(slot, 0)) for slot, text in texts}
            return answer.with_texts(sent).ended("content_filter")
        return answer if self.judged is None else answer.with_texts(answer.changes(self.judged.texts))

    async def begin(self) -> bool:
        """Wait until a piece of a text may leave; False: the answer ended before that, or may not go on."""
        while not self._stopped and not self._held.speaks(self._free):
            if not await self._more():
                return False
        return not self._stopped

    def whole(self) -> Received:
        """An answer of which nothing has left.

        Raises:
            UpstreamError: the model says that it failed.
        """
        answer = self._stream.answer
        if answer.failed:
            raise broken("says that the model failed")
        return Received(200, self.headers, answer, events=self._held.data())

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

    def judge_left(self) -> None:
        """Judge what had come when the client left, for the record."""
        if self.judged is None:
            self.judged = self._watch.judge(self._stream.answer)

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
        self._first = self._first or events[0]
        for data in events:
            self._held.take(data)
        if self._held.bytes > HELD_BYTES:
            raise broken(f"has more than {HELD_BYTES} bytes waiting for their verdict")
        if self._due():
            self._look()
        return True

    def _due(self) -> bool:
        """Whether to look: there is enough to see, or a text is complete before the answer is.

        At its end an answer is judged whole; one whose choices have all ended is about to get there.
        """
        chars = self._held.chars
        if self._stream.complete:
            return False
        if chars >= self._next_look:
            return True
        if not self._held.fresh or chars < self._watch.hold.next_look(self._looked, closed=True):
            return False
        return not all(choice.finish_reason for choice in self._stream.answer.choices)

    def _look(self) -> None:
        answer, held = self._stream.answer, self._held
        subject = self._watch.subject(answer)
        view = self._watch.hold.look(subject, {n for n, slot in enumerate(answer.slots) if slot in held.closed})
        self._looked, held.fresh = held.chars, False
        self._next_look = self._watch.hold.next_look(held.chars)
        self._stopped = view.stopped
        self._know(answer, subject, view.marks)
        self._free = dict(zip(answer.slots, view.free, strict=True))

    def _know(self, answer: Answer, subject: Subject, found: Sequence[Sequence[Mark]]) -> None:
        self._texts = dict(zip(answer.slots, subject.texts, strict=True))
        self._marks = dict(zip(answer.slots, found, strict=True))

    def _release(self) -> list[bytes]:
        return [self._written(event) for event in self._held.release(self._free)]

    def _written(self, event: Event) -> bytes:
        """The event with the texts that may be in it."""
        self._last = event.data
        texts: list[tuple[Slot, str | None]] = []
        changed = False
        for slot, start, end in event.stretches:
            self._left[slot] = max(end, self._left.get(slot, 0))
            found = self._marks.get(slot, ())
            cuts = any(mark.start < end and mark.end > start for mark in found)
            texts.append((slot, cut(self._texts[slot], found, start, end) if cuts else None))
            changed = changed or cuts
        return self._dialect.rewritten(event.data, texts) if changed else event.data

    def _end(self) -> list[bytes]:
        """Judge what there is, and let out what may still leave."""
        self._over = True
        answer = self._stream.answer
        judged = self.judged = self._watch.judge(answer)
        ends = judged.verdict in _ENDING
        if (ends and judged.unavailable) or (self._stopped and not ends):  # a check that could not look, then or now
            raise ToldError(unavailable_body(judged.reason or "policy:stopped"))
        if ends:
            return self._cut_off(answer)
        redactions = [each for each in judged.decisions if each.verdict is Verdict.REDACT and not each.shadow]
        subject = self._watch.subject(answer)
        self._know(answer, subject, marks(subject.texts, redactions))
        self._free = self._held.lengths
        return self._release()

    def _cut_off(self, answer: Answer) -> list[bytes]:
        """The events that tell a client that no more will come; of a model that was stopped, nobody knows the usage."""
        self._texts = dict(zip(answer.slots, self._watch.subject(answer).texts, strict=True))
        call = self._watch.call
        if answer.usage == Usage():
            call = msgspec.structs.replace(call, include_usage=False)
        return list(self._dialect.cut_off(call, answer, self._watch.head, self._first, self._last))

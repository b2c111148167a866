"""What becomes of a call: the answer that a client gets, and why it is that one.  Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Arm, Decision, Verdict
from gateway.attempt import Received
from gateway.dialect import Call, Head
from gateway.errors import failure_body, unavailable_body, upstream_body
from gateway.routing import Step
from gateway.stream import EventStream, ToldError
from gateway.windowed import WindowedStream

if TYPE_CHECKING:
    from gateway.answers import Answer
    from policies.judgement import Judgement

# The operator's trouble or the upstream's, not the client's: another model may do better.
_FALL_BACK = frozenset({401, 403, 404, 405, 408, 409, 425, 429})
_JSON = ((b"content-type", b"application/json"),)
_STATUS = {UpstreamFailure.TIMEOUT: 504, UpstreamFailure.OVERLOADED: 503}
_BUSY = ((b"retry-after", b"1"),)


class Ruling(msgspec.Struct, frozen=True):
    """What became of a call, and why: `check:reason`, or `upstream:kind` when a model failed."""

    verdict: Verdict = Verdict.ALLOW
    reason: str = ""
    unavailable: bool = False  # a check that had to look could not; nothing was found

    def or_stronger(self, other: Ruling) -> Ruling:
        """The stronger of both; this one when they are equal."""
        return other if other.verdict.severity > self.verdict.severity else self


ALLOWED = Ruling()


def ruled(judged: Judgement) -> Ruling:
    """What a judgement means for a call."""
    if judged.verdict is Verdict.ALLOW:
        return ALLOWED
    return Ruling(judged.verdict, judged.reason, judged.unavailable)


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What the client gets.  `live` is a stream that is passed on as it comes, because no check looks at it."""

    step: Step
    received: Received
    ruling: Ruling = ALLOWED
    decisions: tuple[Decision, ...] = ()
    failure: str = ""  # why the model gave no answer; bounded, a metric label
    live: EventStream | WindowedStream | None = None
    confidence: float | None = None  # of the student, where the cascade asked for it

    @property
    def falls_back(self) -> bool:
        """Whether the next model should be asked."""
        return bool(self.failure) or self.ruling.verdict is Verdict.FALLBACK

    @property
    def usable(self) -> bool:
        """Whether the exchange shows what a student answers: only then can it become a pair.

        A redacted answer cannot: its marks would count as disagreement with a teacher who wrote the same text, and the
        student's own words are not kept.
        """
        given = self.ruling.verdict in {Verdict.ALLOW, Verdict.FLAG}
        return given and self.received.status == 200 and self.step.arm is not Arm.TEACHER

    def final(self, ruling: Ruling, decisions: tuple[Decision, ...]) -> Served:
        """The same with what was ruled and decided before this model was asked; a fallback that led nowhere blocks."""
        own = self.ruling
        if own.verdict is Verdict.FALLBACK:
            own = msgspec.structs.replace(own, verdict=Verdict.BLOCK)
        if own is ALLOWED and ruling is ALLOWED and not decisions:
            return self
        strongest = ruling.or_stronger(own)
        return msgspec.structs.replace(self, ruling=strongest, decisions=decisions + self.decisions)

    def left(self) -> Served:
        """The same when the client left while it was sent."""
        if isinstance(self.live, WindowedStream):
            self.live.judge_left()
        return self.ended()

    def ended(self) -> Served:
        """The same when all has been sent: a stream that left behind a window is judged at its end."""
        judged = self.live.judged if isinstance(self.live, WindowedStream) else None
        if judged is None or not judged.decisions:
            return self
        last = msgspec.structs.replace(self, ruling=ruled(judged), decisions=judged.decisions)
        return last.final(self.ruling, self.decisions)


def failed(step: Step, error: UpstreamError) -> Served:
    """No answer."""
    headers = (*_JSON, *_BUSY) if error.kind is UpstreamFailure.OVERLOADED else _JSON
    body = error.body if isinstance(error, ToldError) else failure_body(error.kind)
    received = Received(_STATUS.get(error.kind, 502), headers, None, body)
    return Served(step=step, received=received, failure=error.kind)


def refused(step: Step, received: Received) -> Served:
    """The upstream's own error; one that only the client can mend is final."""
    another = received.status in _FALL_BACK or received.status >= 500
    body = upstream_body(received.status, received.body)
    if body is not received.body:
        others = [pair for pair in received.headers if pair[0] != b"content-type"]
        received = Received(received.status, [*_JSON, *others], None, body)
    return Served(step=step, received=received, failure=UpstreamFailure.STATUS if another else "")


def fallen(ruling: Ruling, served: Served) -> Ruling:
    """What is told of a call that goes on to the next model."""
    if served.failure:
        return Ruling(ruling.verdict, ruling.reason or f"upstream:{served.failure}")
    return ruling.or_stronger(served.ruling)


def without_logprobs(call: Call, received: Received) -> Received:
    """An answer without the log-probabilities that the cascade asked for and the client did not."""
    if call.logprobs:
        return received
    strip = call.dialect.without_logprobs
    if received.events is None:
        return msgspec.structs.replace(received, body=strip(received.body))
    return msgspec.structs.replace(received, events=tuple(map(strip, received.events)))


def redacted(call: Call, received: Received, answer: Answer, texts: tuple[str, ...]) -> Received:
    """An answer with other texts."""
    changed = answer.changes(texts)
    redactor, sent = call.dialect.redactor(changed), answer.with_texts(changed)
    if received.events is None:
        return msgspec.structs.replace(received, answer=sent, body=redactor.apply(received.body))
    return msgspec.structs.replace(received, answer=sent, events=tuple(map(redactor.apply, received.events)))


def withheld(call: Call, served: Served, head: Head) -> Served:
    """A blocked answer, replaced by one without text, or by an error if a check could not look; others stay."""
    answer = served.received.answer
    if served.ruling.verdict is not Verdict.BLOCK or answer is None:
        return served
    if served.ruling.unavailable:
        received = Received(503, (*_JSON, *_BUSY), None, unavailable_body(served.ruling.reason))
        return msgspec.structs.replace(served, received=received)
    if served.received.events is None:
        replaced = Received(200, _JSON, answer.silenced(), call.dialect.withheld(call, answer, head))
    else:
        events = call.dialect.withheld_events(call, answer, head)
        replaced = Received(200, _JSON, answer.silenced(), events=events)
    return msgspec.structs.replace(served, received=replaced)

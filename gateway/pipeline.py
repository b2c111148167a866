"""One call, top to bottom: policies on the input, a plan, the models in turn, policies on the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, Subject
from domain.records import Arm, Decision, Stage, Verdict
from gateway import attempt, rewrite
from gateway.attempt import EventStream, Received
from gateway.errors import blocked, failure_body, upstream_body
from gateway.routing import Step, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.settings import TaskSettings
    from gateway.answers import Answer, Choice
    from gateway.ledger import Ledger
    from gateway.metrics import TaskMetrics
    from gateway.outages import Outages
    from gateway.registry import Registry
    from gateway.wire import Call
    from policies.engine import Judgement, PolicyEngine

# The operator's trouble or the upstream's, not the client's: another model may do better.
_FALL_BACK = frozenset({401, 403, 404, 408, 409, 425, 429})
_JSON = ((b"content-type", b"application/json"),)


class Ruling(msgspec.Struct, frozen=True):
    """What became of a call, and why: `check:reason`, or `upstream:kind` when a model failed."""

    verdict: Verdict = Verdict.ALLOW
    reason: str = ""

    def or_stronger(self, other: Ruling) -> Ruling:
        """The stronger of both; this one when they are equal."""
        return other if other.verdict.severity > self.verdict.severity else self


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What the client gets.  `live` is a stream that is passed on as it comes, because no check looks at it."""

    step: Step
    received: Received
    ruling: Ruling = Ruling()
    decisions: tuple[Decision, ...] = ()
    failure: str = ""  # why the model gave no answer; bounded, a metric label
    live: EventStream | None = None

    @property
    def usable(self) -> bool:
        """Whether the exchange shows what the student answers: only then can it become a pair.

        A redacted answer cannot: its marks would count as disagreement with a teacher who wrote the same text, and the
        student's own words are not kept.
        """
        given = self.ruling.verdict in {Verdict.ALLOW, Verdict.FLAG}
        return given and self.received.status == 200 and self.step.arm is Arm.CHAMPION


class Pipeline:
    """Answers the calls of one task."""

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        *,
        upstreams: Mapping[str, Upstream],
        engine: PolicyEngine,
        registry: Registry,
        metrics: TaskMetrics,
        ledger: Ledger,
        outages: Outages,
        clock: Clock,
    ) -> None:
        self._name = name
        self._task = task
        self._upstreams = upstreams
        self._engine = engine
        self._registry = registry
        self._metrics = metrics
        self._ledger = ledger
        self._outages = outages
        self._clock = clock
        self.holds_streams = engine.watches(Stage.OUTPUT)

    async def serve(self, call: Call, *, id_: str, headers: Headers, upstream_s: list[float]) -> Served:
        """The answer to a call, an upstream's error if need be; seconds spent waiting are added to `upstream_s`.

        Raises:
            ApiError: the input was blocked; raised before any model is asked.
        """
        entry = self._judge(Subject(Stage.INPUT, call.texts, (), call.input_text))
        ruling, decisions = Ruling(entry.verdict, entry.reason), entry.decisions
        fallback = entry.verdict is Verdict.FALLBACK
        steps = plan(self._task, self._registry.deployment(self._name), teacher_only=fallback)
        if entry.verdict is Verdict.BLOCK or not steps:
            raise blocked(entry.reason)
        if fallback:
            self._metrics.fallbacks("input").inc()
        for step in steps[:-1]:
            served = await self._try(step, call, headers, upstream_s)
            decisions += served.decisions
            if not (served.failure or served.ruling.verdict is Verdict.FALLBACK):
                break
            self._metrics.fallbacks(served.failure or "policy").inc()
            ruling = _fallen(ruling, served)
        else:
            served = await self._try(steps[-1], call, headers, upstream_s)
            decisions += served.decisions
            if served.ruling.verdict is Verdict.FALLBACK:  # and there is nobody left to ask
                served = msgspec.structs.replace(served, ruling=Ruling(Verdict.BLOCK, served.ruling.reason))
        served = self._withhold(call, served, id_)
        return msgspec.structs.replace(served, ruling=ruling.or_stronger(served.ruling), decisions=decisions)

    def _judge(self, subject: Subject) -> Judgement:
        judged = self._engine.judge(subject)
        self._metrics.decided(subject.stage, judged.decisions)
        return judged

    async def _try(self, step: Step, call: Call, headers: Headers, upstream_s: list[float]) -> Served:
        started = self._clock.monotonic_s()
        try:
            received = await self._ask(step, call, headers)
        except UpstreamError as error:
            self._outages.failed(step.upstream, error)
            return _failed(step, error)
        finally:
            upstream_s.append(self._clock.monotonic_s() - started)
        self._outages.answered(step.upstream)
        if isinstance(received, EventStream):
            return Served(step=step, received=Received(200, received.headers, None), live=received)
        if received.answer is None:
            return _refused(step, received)
        self._ledger.answered(step.arm, received.answer.usage)
        return self._judged(step, call, received, received.answer)

    async def _ask(self, step: Step, call: Call, headers: Headers) -> Received | EventStream:
        upstream, body = self._upstreams[step.upstream], call.for_model(step.model)
        if not call.stream:
            return await attempt.ask(upstream, body, headers)
        if self.holds_streams:
            return await attempt.ask_events(upstream, body, headers)
        return await attempt.open_stream(upstream, body, headers)

    def _judged(self, step: Step, call: Call, received: Received, answer: Answer) -> Served:
        judged = self._judge(answer.subject(call.input_text))
        if judged.verdict is Verdict.REDACT:
            received = _redacted(received, answer, judged.texts)
        ruling = Ruling(judged.verdict, judged.reason)
        return Served(step=step, received=received, ruling=ruling, decisions=judged.decisions)

    def _withhold(self, call: Call, served: Served, id_: str) -> Served:
        """Replace a blocked answer by one without text."""
        received = served.received
        if served.ruling.verdict is not Verdict.BLOCK or received.answer is None:
            return served
        created, model, answer = int(self._clock.now_s()), served.step.model, received.answer
        silent = msgspec.structs.replace(answer, choices=tuple(map(_silenced, answer.choices)))
        if received.events is None:
            body = rewrite.withheld(answer, id_=id_, created=created, model=model)
            replaced = Received(200, _JSON, silent, body)
        else:
            events = rewrite.withheld_events(
                answer, id_=id_, created=created, model=model, with_usage=call.include_usage
            )
            replaced = Received(200, _JSON, silent, events=events)
        return msgspec.structs.replace(served, received=replaced)


def _failed(step: Step, error: UpstreamError) -> Served:
    status = 504 if error.kind is UpstreamFailure.TIMEOUT else 502
    received = Received(status, _JSON, None, failure_body(error.kind))
    return Served(step=step, received=received, failure=error.kind)


def _refused(step: Step, received: Received) -> Served:
    """The upstream's own error; one that only the client can mend is final."""
    another = received.status in _FALL_BACK or received.status >= 500
    body = upstream_body(received.status, received.body)
    if body is not received.body:
        others = [pair for pair in received.headers if pair[0] != b"content-type"]
        received = Received(received.status, [*_JSON, *others], None, body)
    return Served(step=step, received=received, failure=UpstreamFailure.STATUS if another else "")


def _fallen(ruling: Ruling, served: Served) -> Ruling:
    """What is told of a call that goes on to the next model."""
    if served.failure:
        return Ruling(ruling.verdict, ruling.reason or f"upstream:{served.failure}")
    return ruling.or_stronger(served.ruling)


def _redacted(received: Received, answer: Answer, texts: tuple[str, ...]) -> Received:
    changed = rewrite.changed(answer, texts)
    redactor = rewrite.Redactor(changed)
    choices = tuple(
        msgspec.structs.replace(
            choice, texts={place: changed.get((choice.index, place), text) for place, text in choice.texts.items()}
        )
        for choice in answer.choices
    )
    sent = msgspec.structs.replace(answer, choices=choices)
    if received.events is None:
        return msgspec.structs.replace(received, answer=sent, body=redactor.apply(received.body))
    return msgspec.structs.replace(received, answer=sent, events=tuple(map(redactor.apply, received.events)))


def _silenced(choice: Choice) -> Choice:
    return msgspec.structs.replace(choice, texts={}, finish_reason="content_filter")

"""One call, top to bottom: policies on the input, a plan, the models in turn, policies on the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, Subject
from domain.records import Arm, Decision, Stage, Verdict
from gateway import answers, attempt
from gateway.attempt import EventStream, Received
from gateway.errors import ApiError
from gateway.routing import Step, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.settings import TaskSettings
    from gateway.answers import Answer
    from gateway.metrics import TaskMetrics
    from gateway.registry import Registry
    from gateway.wire import Call
    from policies.engine import Judgement, PolicyEngine

# The operator's trouble or the upstream's, not the client's: another model may do better.
_FALL_BACK = frozenset({401, 403, 404, 408, 409, 425, 429})
_BLOCKED = "content_filter"


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What the client gets.  `live` is a stream that is passed on as it comes, because no check looks at it."""

    step: Step
    received: Received
    verdict: Verdict = Verdict.ALLOW
    reason: str = ""
    decisions: tuple[Decision, ...] = ()
    live: EventStream | None = None

    @property
    def blocked(self) -> bool:
        """Whether the answer was withheld."""
        return self.verdict is Verdict.BLOCK


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
        clock: Clock,
    ) -> None:
        self._name = name
        self._task = task
        self._upstreams = upstreams
        self._engine = engine
        self._registry = registry
        self._metrics = metrics
        self._clock = clock

    async def serve(self, call: Call, headers: Headers, upstream_s: list[float]) -> Served:
        """The answer to a call; seconds spent waiting for models are added to `upstream_s`.

        Raises:
            ApiError: the input was blocked, or no model answered.
        """
        entry = self._judge_input(call)
        steps = plan(self._task, self._registry.deployment(self._name), teacher_only=entry.verdict is Verdict.FALLBACK)
        decisions = entry.decisions
        for position, step in enumerate(steps):
            last = position == len(steps) - 1
            started = self._clock.monotonic_s()
            try:
                received = await self._ask(step, call, headers)
            except UpstreamError as error:
                self._fall_back_or_fail(error, last=last)
                continue
            finally:
                upstream_s.append(self._clock.monotonic_s() - started)
            if isinstance(received, EventStream):
                head = Received(received.status, received.headers, None)
                return Served(step=step, received=head, decisions=decisions, live=received)
            served = self._judge_output(call, step, received, decisions)
            if last or not self._wants_another(served):
                return self._final(call, served)
            decisions = served.decisions
        raise ApiError(400, "The request was refused by a policy", code="content_policy_violation")

    def _judge_input(self, call: Call) -> Judgement:
        judged = self._engine.judge(Subject(Stage.INPUT, call.texts, (), call.input_text))
        self._metrics.decided(Stage.INPUT, judged.decisions)
        if judged.verdict is Verdict.BLOCK:
            message = f"The request was blocked by a policy ({judged.reason})"
            raise ApiError(400, message, code="content_policy_violation", param="messages")
        return judged

    async def _ask(self, step: Step, call: Call, headers: Headers) -> Received | EventStream:
        upstream, body = self._upstreams[step.upstream], call.for_model(step.model)
        if not call.stream:
            return await attempt.ask(upstream, body, headers)
        if self._engine.watches(Stage.OUTPUT):
            return await attempt.ask_events(upstream, body, headers)
        return await attempt.open_stream(upstream, body, headers)

    def _judge_output(self, call: Call, step: Step, received: Received, decisions: tuple[Decision, ...]) -> Served:
        if received.answer is None:
            return Served(step=step, received=received, decisions=decisions)
        texts, proper = received.answer.subject_texts()
        judged = self._engine.judge(Subject(Stage.OUTPUT, texts, proper, call.input_text))
        self._metrics.decided(Stage.OUTPUT, judged.decisions)
        if judged.verdict is Verdict.REDACT:
            received = _redacted(call, step, received, received.answer, judged.texts)
        return Served(
            step=step,
            received=received,
            verdict=judged.verdict,
            reason=judged.reason,
            decisions=decisions + judged.decisions,
        )

    def _wants_another(self, served: Served) -> bool:
        """Whether the next model should answer instead, which is counted."""
        status = served.received.status
        if status in _FALL_BACK or status >= 500:
            self._metrics.fallbacks("status").inc()
            return True
        if served.verdict is Verdict.FALLBACK:
            self._metrics.fallbacks("policy").inc()
            return True
        return False

    def _final(self, call: Call, served: Served) -> Served:
        """An answer that should have gone to another model, when there is no other, is withheld."""
        answer = served.received.answer
        if answer is None or served.verdict not in {Verdict.FALLBACK, Verdict.BLOCK}:
            return served
        withheld = _remade(call, served.step, served.received, answer, [None] * len(answer.choices), _BLOCKED)
        return msgspec.structs.replace(served, received=withheld, verdict=Verdict.BLOCK)

    def _fall_back_or_fail(self, error: UpstreamError, *, last: bool) -> None:
        if last:
            _fail(error)
        self._metrics.fallbacks(error.kind).inc()


def _fail(error: UpstreamError) -> NoReturn:
    timeout = error.kind is UpstreamFailure.TIMEOUT
    raise ApiError(504 if timeout else 502, str(error), kind="api_error", code="upstream_error") from None


def _redacted(call: Call, step: Step, received: Received, answer: Answer, texts: tuple[str, ...]) -> Received:
    """The answer with redacted contents; what else a model wrote (tool arguments, reasoning) is left out."""
    contents, position = [], 0
    for choice in answer.choices:
        contents.append(texts[position] or None)
        position += len(choice.texts())
    return _remade(call, step, received, answer, contents, "")


def _remade(
    call: Call, step: Step, received: Received, answer: Answer, contents: list[str | None], finish_reason: str
) -> Received:
    head = {"id": f"chatcmpl-{step.arm}", "created": 0, "model": step.model}
    choices = tuple(
        answers.Choice(choice.index, content or "", finish_reason=finish_reason or choice.finish_reason)
        for choice, content in zip(answer.choices, contents, strict=True)
    )
    headers = [pair for pair in received.headers if pair[0] == b"content-type"]
    remade = answers.Answer(choices, answer.usage)
    if received.events is None:
        body = answers.remake(head, remade, contents, finish_reason=finish_reason)
        return Received(200, headers, remade, body)
    events = answers.remake_events(head, remade, contents, finish_reason=finish_reason, with_usage=call.include_usage)
    return Received(200, headers, remade, events=tuple(events))


def is_usable(served: Served) -> bool:
    """Whether the exchange shows what the student would answer: only then can it become a pair.

    A redacted answer is not the student's own any more, and a refused one was never given.
    """
    return (
        served.step.arm is Arm.CHAMPION
        and served.received.status == 200
        and served.verdict in {Verdict.ALLOW, Verdict.FLAG}
    )

"""One call, top to bottom: policies on the input, a plan, the models in turn, policies on the answer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec

from domain.errors import UpstreamError
from domain.ports import Headers
from domain.records import Decision, Stage, Verdict
from gateway import attempt, cascade, served
from gateway.attempt import Received, Request
from gateway.dialect import Head
from gateway.errors import blocked, unavailable
from gateway.judging import Shadows
from gateway.resilience.retry import PATIENCE_S
from gateway.routing import Router, Step, place
from gateway.served import ALLOWED, Ruling, Served, ruled
from gateway.stream import EventStream
from gateway.windowed import WindowedStream, ask_window

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.records import Deployment
    from domain.settings import TaskSettings
    from gateway.answers import Answer
    from gateway.dialect import Call
    from gateway.judging import Judging
    from gateway.ledger import Ledger
    from gateway.metrics import TaskMetrics
    from gateway.outages import Outages
    from gateway.registry import Registry
    from gateway.resilience.group import Group


_PATIENCE_S = 0.5  # with a model that wants to be left alone, while there is another to ask


class Passage(msgspec.Struct):
    """What a call carries beside its body.  `upstream_s` collects the seconds spent waiting for models."""

    id: str
    headers: Headers  # that the upstream gets
    deadline: float  # loop time
    user: bytes  # who asks, for a canary that is sticky
    draw: float  # of the request, in [0, 1)
    upstream_s: float = 0.0
    decisions: tuple[Decision, ...] = ()  # so far, for the record of a client that leaves before there is an answer
    shadows: Shadows = []  # what is still asked about it, while nobody waits


class Pipeline:
    """Answers the calls of one task."""

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        *,
        upstreams: Mapping[str, Group],
        stream_usage: frozenset[str],
        judging: Judging,
        registry: Registry,
        metrics: TaskMetrics,
        ledger: Ledger,
        outages: Outages,
        clock: Clock,
    ) -> None:
        """`stream_usage` names the upstreams that are asked for the usage of every stream."""
        self._name = name
        self._task = task
        self._upstreams = upstreams
        self._stream_usage = stream_usage
        self._judging = judging
        self._registry = registry
        self._metrics = metrics
        self._ledger = ledger
        self._outages = outages
        self._clock = clock
        self._router = Router(task)
        self.holds_streams = judging.watches_output or task.cascade is not None
        self._streamed = attempt.ask_events if self.holds_streams else attempt.open_stream

    async def serve(self, call: Call, passage: Passage) -> Served:
        """The answer to a call, an upstream's error if need be.

        Raises:
            ApiError: the input was blocked; raised before any model is asked.
        """
        ruling = await self._enter(call, passage)
        decisions = passage.decisions
        fallback = ruling.verdict is Verdict.FALLBACK
        deployment = self._registry.deployment(self._name)
        steps = self._router.plan(
            deployment, place=self._place(deployment, passage), teacher_only=fallback, one_model=call.dialect.one_model
        )
        if ruling.verdict is Verdict.BLOCK or not steps:
            if ruling.unavailable:
                raise unavailable(ruling.reason)
            raise blocked(ruling.reason, param=call.dialect.input_field)
        if fallback:
            self._metrics.fallbacks("input").inc()
        for step in steps[:-1]:
            least = cascade.threshold(self._task.cascade, deployment, step.arm)
            found = await self._try(step, call, passage, least, patience_s=_PATIENCE_S)
            if not found.falls_back:
                break
            decisions += found.decisions
            passage.decisions = decisions
            self._metrics.fallbacks(found.failure or "policy").inc()
            ruling = served.fallen(ruling, found)
        else:
            found = await self._try(steps[-1], call, passage, None)
        found = found.final(ruling, decisions)
        if found.ruling.verdict is not Verdict.BLOCK:
            return found
        return served.withheld(call, found, self._head(found.step, passage))

    def _head(self, step: Step, passage: Passage) -> Head:
        """Of an answer that is ours."""
        return Head(passage.id, int(self._clock.now_s()), step.model)

    def _place(self, deployment: Deployment | None, passage: Passage) -> float:
        """Where the user stands among all users; only a canary needs to know."""
        if deployment is None or deployment.canary is None:
            return 1.0
        return place(self._name, passage.user, draw=passage.draw)

    async def _enter(self, call: Call, passage: Passage) -> Ruling:
        """Judge the input."""
        if not self._judging.watches_input:
            return ALLOWED
        judged = await self._judging.input(call, passage.shadows)
        passage.decisions = judged.decisions
        return ruled(judged)

    async def _try(
        self, step: Step, call: Call, passage: Passage, least: float | None, *, patience_s: float = PATIENCE_S
    ) -> Served:
        """Ask one model; an answer of less confidence than `least` falls back."""
        started = self._clock.monotonic_s()
        try:
            received = await self._ask(step, call, passage, logprobs=least is not None, patience_s=patience_s)
        except UpstreamError as error:
            self._outages.failed(step.upstream, error)
            return served.failed(step, error)
        finally:
            passage.upstream_s += self._clock.monotonic_s() - started
        self._outages.answered(step.upstream)
        if isinstance(received, EventStream | WindowedStream):
            return Served(step=step, received=Received(200, received.headers, None), live=received)
        answer = received.answer
        if answer is None:
            return served.refused(step, received)
        self._ledger.answered(step.arm, answer.usage)
        return await self._leave(step, call, passage, received, answer, least=least)

    def _ask(
        self, step: Step, call: Call, passage: Passage, *, logprobs: bool, patience_s: float
    ) -> Coroutine[Any, Any, Received | EventStream | WindowedStream]:
        usage = call.stream and not call.include_usage and step.upstream in self._stream_usage
        body = call.dialect.for_model(call, step.model, usage=usage, logprobs=logprobs)
        request = Request(call.dialect, body, passage.headers, passage.deadline, drop_usage=usage)
        how: Callable[[Upstream, float], Coroutine[Any, Any, Received | EventStream | WindowedStream]]
        how = functools.partial(self._streamed if call.stream else attempt.ask, request)
        if call.stream and not logprobs:
            watch = self._judging.watch(call, step.arm, passage.shadows, self._head(step, passage))
            how = how if watch is None else functools.partial(ask_window, request, watch)
        return self._upstreams[step.upstream].call(
            how, deadline=passage.deadline, streams=call.stream, patience_s=patience_s
        )

    async def _leave(
        self, step: Step, call: Call, passage: Passage, received: Received, answer: Answer, *, least: float | None
    ) -> Served:
        """Judge a whole answer."""
        confidence = None
        if least is not None:
            confidence = cascade.confidence(call.dialect, received, answer)
            decision = cascade.judge(confidence, least=least)
            if decision is not None:
                decision = msgspec.structs.replace(decision, stage=Stage.OUTPUT, arm=step.arm)
                self._metrics.decided((decision,))
                ruling = Ruling(Verdict.FALLBACK, f"{decision.check}:{decision.reason}")
                return Served(step=step, received=received, ruling=ruling, decisions=(decision,))
            received = served.without_logprobs(call, received)
        unjudged = Served(step=step, received=received, confidence=confidence)
        if not self._judging.watches_output:
            return unjudged
        judged = self._judging.output(call, answer, step.arm, passage.shadows)
        if self._judging.waits_output:
            judged = await self._judging.output_waiting(call, answer, step.arm, judged)
        if not judged.decisions:
            return unjudged
        if judged.verdict is Verdict.REDACT:
            received = served.redacted(call, received, answer, judged.texts)
        return Served(
            step=step, received=received, ruling=ruled(judged), decisions=judged.decisions, confidence=confidence
        )

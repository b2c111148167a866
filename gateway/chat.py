"""The route of `POST /v1/chat/completions`: reads the request, watches for a client that leaves, sends, records."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import TYPE_CHECKING

import msgspec

from domain import tasks
from domain.errors import UpstreamError
from domain.records import Arm, Exchange
from domain.sampling import draw
from gateway import sse, wire
from gateway.attempt import header
from gateway.errors import ApiError, error_body, unknown_model, wrong_method
from gateway.limits import respond
from gateway.pipeline import Served, is_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from domain.clock import Clock
    from domain.ports import Headers
    from domain.prices import Price
    from gateway.answers import Answer
    from gateway.metrics import TaskMetrics
    from gateway.pipeline import Pipeline

PATH = "/v1/chat/completions"
_PASSED_ON = frozenset({b"traceparent", b"tracestate", b"x-request-id"})
_KEPT = frozenset({b"content-type", b"retry-after"})
_EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class TaskRoute(msgspec.Struct, frozen=True):
    """All that a call of one task needs."""

    name: str
    pipeline: Pipeline
    metrics: TaskMetrics
    teacher: Price
    student: Price
    journal_rate: float


class ChatRoute:
    """Answers chat completions itself and passes every other path on."""

    def __init__(
        self, app: ASGIApp, *, routes: Mapping[str, TaskRoute], offer: Callable[[Exchange], bool], clock: Clock
    ) -> None:
        self._app = app
        self._routes = routes
        self._offer = offer
        self._clock = clock
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        if scope["method"] != "POST":
            raise wrong_method(scope["method"], PATH)
        started = self._clock.monotonic_s()
        body = await _read(receive)
        if body is None:
            return
        call = wire.decode(body)
        route = self._routes.get(call.model)
        if route is None:
            raise unknown_model(call.model, sorted(self._routes))
        request = Request(f"{self._prefix}-{next(self._numbers)}", call, route, scope["headers"], started)
        await self._answer_unless_gone(request, receive, send)

    async def _answer_unless_gone(self, request: Request, receive: Receive, send: Send) -> None:
        """Stop everything, the upstream's work too, as soon as the client has left."""
        answering = asyncio.current_task()
        assert answering is not None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            answering.cancel()

        watcher = tasks.spawn(watch(), name="disconnect-watcher")
        try:
            await self._answer(request, send)
        except asyncio.CancelledError:
            if not gone or answering.uncancel():
                raise
            request.ended("none", "client_gone", now=self._clock.monotonic_s())
        finally:
            watcher.cancel()

    async def _answer(self, request: Request, send: Send) -> None:
        try:
            served = await request.route.pipeline.serve(request.call, request.passed_on(), request.upstream_s)
        except ApiError as error:
            outcome = "refused" if error.status < 500 else "upstream_error"
            request.ended("none", outcome, now=self._clock.monotonic_s())
            error.headers = [*error.headers, *request.headers()]
            raise
        answer, complete = served.received.answer, True
        if served.live is None:
            await self._send(request, served, send)
        else:
            answer, complete = await self._relay(request, served, send)
        self._record(request, served, answer, complete=complete)

    async def _send(self, request: Request, served: Served, send: Send) -> None:
        received = served.received
        headers = request.headers(served, now=self._clock.monotonic_s())
        if received.events is None:
            kept = [pair for pair in received.headers if pair[0] in _KEPT]
            await respond(send, received.status, received.body, [*kept, *headers])
            return
        payload = b"".join(map(sse.event, received.events)) + sse.event(sse.DONE)
        await send({"type": "http.response.start", "status": received.status, "headers": [*_EVENTS, *headers]})
        request.route.metrics.first_token(served.step.arm).observe(self._clock.monotonic_s() - request.started)
        await send({"type": "http.response.body", "body": payload})

    async def _relay(self, request: Request, served: Served, send: Send) -> tuple[Answer, bool]:
        """Pass events on as they come; a cut becomes an error event, and no [DONE] is invented."""
        stream = served.live
        assert stream is not None
        headers = request.headers(served, now=self._clock.monotonic_s())
        await send({"type": "http.response.start", "status": 200, "headers": [*_EVENTS, *headers]})
        complete, final = True, sse.event(sse.DONE)
        try:
            async for data in stream:
                await send({"type": "http.response.body", "body": sse.event(data), "more_body": True})
        except UpstreamError as error:
            complete, final = False, sse.event(error_body(str(error), kind="api_error", code="upstream_error"))
        finally:
            await stream.aclose()
        await send({"type": "http.response.body", "body": final})
        return stream.answer, complete

    def _record(self, request: Request, served: Served, answer: Answer | None, *, complete: bool) -> None:
        now = self._clock.monotonic_s()
        request.ended(served.step.arm, _outcome(served, complete=complete), now=now)
        if answer is None:
            return
        request.spent(served.step.arm, answer)
        number = draw(request.id)
        if number >= request.route.journal_rate:
            return
        first = answer.choices[0] if answer.choices else None
        self._offer(
            Exchange(
                id=request.id,
                task=request.route.name,
                at=self._clock.now_s(),
                arm=served.step.arm,
                model=served.step.model,
                draw=number,
                journal_rate=request.route.journal_rate,
                request=request.call.body,
                input_text=request.call.input_text,
                output_text=first.content if first else "",
                status=served.received.status,
                usable=complete and is_usable(served),
                stream=request.call.stream,
                finish_reason=first.finish_reason if first else "",
                decisions=served.decisions,
                usage=answer.usage,
                latency_s=now - request.started,
                overhead_s=max(0.0, now - request.started - sum(request.upstream_s)),
            )
        )


class Request:
    """A call on its way, with what has been measured of it."""

    def __init__(self, id_: str, call: wire.Call, route: TaskRoute, headers: Headers, started: float) -> None:
        self.id = id_
        self.call = call
        self.route = route
        self.started = started
        self.upstream_s: list[float] = []
        self._headers = headers

    def passed_on(self) -> Headers:
        """The client's headers that the upstream gets."""
        return [pair for pair in self._headers if pair[0] in _PASSED_ON]

    def headers(self, served: Served | None = None, *, now: float = 0.0) -> list[tuple[bytes, bytes]]:
        """The reply's headers about this request."""
        mine = [
            (b"x-request-id", header(self._headers, b"x-request-id") or self.id.encode()),
            (b"x-preceptor-id", self.id.encode()),
            (b"x-preceptor-task", self.route.name.encode()),
        ]
        if served is not None:
            overhead_ms = max(0.0, now - self.started - sum(self.upstream_s)) * 1000
            mine += [
                (b"x-preceptor-arm", served.step.arm.encode()),
                (b"x-preceptor-verdict", served.verdict.encode()),
                (b"x-preceptor-overhead-ms", b"%.3f" % overhead_ms),
            ]
            if served.reason:
                mine.append((b"x-preceptor-reason", served.reason.encode()))
        return mine

    def ended(self, arm: str, outcome: str, *, now: float) -> None:
        """Count the request."""
        seconds = now - self.started
        self.route.metrics.ended(arm, outcome, seconds=seconds, overhead_s=seconds - sum(self.upstream_s))

    def spent(self, arm: Arm, answer: Answer) -> None:
        """Count the money."""
        route = self.route
        if arm is Arm.TEACHER:
            route.metrics.cost("teacher").inc(route.teacher.cost_usd(answer.usage))
            return
        cost = route.student.cost_usd(answer.usage)
        route.metrics.cost("student").inc(cost)
        route.metrics.saved.inc(max(0.0, route.teacher.cost_usd(answer.usage) - cost))


async def _read(receive: Receive) -> bytes | None:
    """The request body; None when the client left before it was complete."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _outcome(served: Served, *, complete: bool) -> str:
    if not complete:
        return "cut"
    if served.received.status != 200:
        return "upstream_error"
    return "blocked" if served.blocked else "ok"

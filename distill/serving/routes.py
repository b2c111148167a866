"""The routes of a student server.  Every error has OpenAI's shape; none shows a traceback."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from distill.serving import responses, wire
from distill.serving.batcher import Batcher, BusyError
from distill.serving.shelf import Shelf
from distill.student import HeadStudent
from domain.clock import Clock
from domain.errors import ModelError

_LOG = logging.getLogger(__name__)
_JSON = "application/json"
_RETRY_LOADING_S = 2
_RETRY_BUSY_S = 1


class StudentServer:
    """Answers chat completions and responses with the students on a shelf.  One thread does all that is heavy."""

    def __init__(
        self, shelf: Shelf, *, preload: Sequence[str], clock: Clock, max_body_bytes: int, max_waiting: int = 256
    ) -> None:
        self.ready = False
        self._shelf = shelf
        self._preload = preload
        self._clock = clock
        self._max_body_bytes = max_body_bytes
        self._max_waiting = max_waiting
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="student")
        self._students: dict[str, tuple[HeadStudent, Batcher]] = {}

    async def load(self) -> None:
        """Load the embedders, so that no request waits for them.

        Raises:
            ModelError: one cannot be loaded.
        """
        for name in self._preload:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._shelf.embedder, name)
        self.ready = True
        _LOG.info("student_server_ready embedders=%s", ",".join(self._preload) or "none")

    def close(self) -> None:
        """Give the thread up; what runs in it may end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def app(self, *, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
        """The ASGI application; whoever runs it calls `load` and `close`, perhaps in its lifespan."""
        return Starlette(
            lifespan=lifespan,
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/responses", self._responses, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v1/models/{model:path}", self._model),
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
            ],
            exception_handlers={
                wire.WireError: _failed,
                HTTPException: _refused,
                ClientDisconnect: _gone,
                Exception: _broken,
            },
        )

    async def _chat(self, request: Request) -> Response:
        self._require_ready()
        chat = wire.decode(await self._body(request))
        reply = await self._answer(chat, id_=f"chatcmpl-{uuid.uuid4().hex}", text=wire.input_text(chat))
        if not chat.stream:
            return Response(reply.completion(), media_type=_JSON)
        with_usage = bool(chat.stream_options and chat.stream_options.include_usage)
        return _events(reply.events(with_usage=with_usage))

    async def _responses(self, request: Request) -> Response:
        self._require_ready()
        asked = responses.decode(await self._body(request))
        chat = asked.chat()
        reply = await self._answer(chat, id_=f"resp_{uuid.uuid4().hex}", text=wire.input_text(chat, param="input"))
        if not asked.stream:
            return Response(responses.completed(asked, reply), media_type=_JSON)
        return _events(responses.events(asked, reply))

    async def _answer(self, chat: wire.ChatRequest, *, id_: str, text: str) -> wire.Reply:
        student, batcher = await self._student(chat.model)
        try:
            probabilities = await batcher.probabilities(text)
        except BusyError:
            raise wire.WireError(
                503, "Too many requests wait; try again.", code="overloaded", retry_s=_RETRY_BUSY_S
            ) from None
        return wire.Reply(
            id=id_,
            created=int(self._clock.now_s()),
            model=chat.model,
            fingerprint=f"fp_{student.manifest.model_sha256[:10]}",
            labels=student.manifest.labels,
            probabilities=probabilities,
            prompt_tokens=wire.prompt_tokens(chat),
            top=(chat.top_logprobs or 0) if chat.logprobs else None,
        )

    async def _models(self, request: Request) -> Response:
        self._require_ready()
        found = await asyncio.to_thread(self._shelf.manifests)
        return Response(wire.models([(item.model, int(item.created_at)) for item in found]), media_type=_JSON)

    async def _model(self, request: Request) -> Response:
        self._require_ready()
        student, _ = await self._student(request.path_params["model"])
        return Response(wire.model(student.manifest.model, int(student.manifest.created_at)), media_type=_JSON)

    async def _healthz(self, request: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type=_JSON)

    async def _readyz(self, request: Request) -> Response:
        self._require_ready()
        return Response(b'{"status":"ready"}', media_type=_JSON)

    def _require_ready(self) -> None:
        if not self.ready:
            raise wire.WireError(503, "The model is being loaded; try again.", code="loading", retry_s=_RETRY_LOADING_S)

    async def _student(self, model: str) -> tuple[HeadStudent, Batcher]:
        if known := self._students.get(model):
            return known
        if not self._shelf.has(model):
            problem = f"The model {model[:64]!r} does not exist."
            raise wire.WireError(404, problem, code="model_not_found", param="model")
        try:
            student = await asyncio.get_running_loop().run_in_executor(self._executor, self._shelf.student, model)
        except ModelError as error:
            _LOG.exception("student_unusable model=%s", model)
            raise wire.WireError(500, str(error), code="model_unusable", param="model") from None
        batcher = Batcher(student, self._executor, max_waiting=self._max_waiting)
        return self._students.setdefault(model, (student, batcher))

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._max_body_bytes:
                raise wire.WireError(413, f"The body is larger than {self._max_body_bytes} bytes.")
        return bytes(body)


def _events(events: Iterable[bytes]) -> Response:
    """All events at once: the answer is one token, so nothing comes later."""
    return Response(b"".join(events), media_type="text/event-stream", headers={"cache-control": "no-cache"})


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, wire.WireError)
    headers = {"retry-after": str(error.retry_s)} if error.retry_s else None
    return Response(error.body, error.status, headers, _JSON)


async def _refused(request: Request, error: Exception) -> Response:
    """No such path, or not with this method."""
    assert isinstance(error, HTTPException)
    refused = wire.WireError(error.status_code, f"{request.method} {request.url.path[:64]}: {error.detail}")
    return Response(refused.body, refused.status, error.headers, _JSON)


async def _gone(request: Request, error: Exception) -> Response:
    """The client hung up while it sent; nobody reads this."""
    return Response(status_code=400)


async def _broken(request: Request, error: Exception) -> Response:
    return await _failed(request, wire.WireError(500, "The student failed to answer; its log says why."))

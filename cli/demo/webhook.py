"""The demo's webhook receiver: keeps the signals whose signature is right."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.notifiers.webhook import SIGNATURE_HEADER, verify
from domain import tasks


class WebhookReceiver:
    """An HTTP server on a socket of ours; `received` holds the CloudEvents in the order in which they came."""

    def __init__(self, listener: socket.socket, *, secret: str) -> None:
        self.received: list[dict[str, Any]] = []
        self.refused = 0
        self._secret = secret
        self._listener = listener
        app = Starlette(routes=[Route("/hook", self._hook, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Serve in the background of the running loop."""
        self._task = tasks.spawn(self._server.serve(sockets=[self._listener]), name="webhook-receiver")

    async def aclose(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _hook(self, request: Request) -> Response:
        body = await request.body()
        if not verify(body, request.headers.get(SIGNATURE_HEADER, ""), self._secret):
            self.refused += 1
            return Response(status_code=401)
        event: dict[str, Any] = msgspec.json.decode(body)
        if event["id"] not in {seen["id"] for seen in self.received}:
            self.received.append(event)
        return Response(status_code=204)

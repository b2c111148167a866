"""A model server whose replies the SDK's types define, for every request that the SDK can send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.compat import chat, completions, responses

Whole = Callable[[dict[str, Any]], dict[str, Any]]
Events = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]


def app() -> Starlette:
    """The server's application."""
    return Starlette(
        routes=[
            _route("/v1/chat/completions", chat.whole, chat.events),
            _route("/v1/completions", completions.whole, completions.events),
            _route("/v1/embeddings", completions.embeddings),
            _route("/v1/responses", responses.whole, responses.events, named=True),
        ]
    )


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The base URL of the server, which runs in a thread of its own on a free loopback port."""
    config = uvicorn.Config(app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    running, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        running.should_exit = True
        thread.join()


def _route(path: str, whole: Whole, events: Events | None = None, *, named: bool = False) -> Route:
    """One endpoint; the events of a stream are `named` (and end by themselves) or end with [DONE]."""

    async def answer(request: Request) -> Response:
        asked = await request.json()
        if events is None or not asked.get("stream"):
            return JSONResponse(whole(asked))
        return StreamingResponse(_framed(events(asked), named=named), media_type="text/event-stream")

    return Route(path, answer, methods=["POST"])


async def _framed(events: Iterator[dict[str, Any]], *, named: bool) -> AsyncIterator[str]:
    for event in events:
        await asyncio.sleep(0)  # a client that has left is noticed only between events
        name = f"event: {event['type']}\n" if named else ""
        yield f"{name}data: {json.dumps(event)}\n\n"
    if not named:
        yield "data: [DONE]\n\n"

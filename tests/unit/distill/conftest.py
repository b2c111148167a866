"""What the tests of the loop share: a small task, a teacher on a real socket, a store in memory."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from distill.examples import Example
from domain import config
from domain.settings import Settings
from embedders.hashing import HashingEmbedder

VERBS = {"refund": "money back for", "cancel": "stop and end", "status": "where is"}
THINGS = ("my order", "the parcel", "a subscription", "this ticket", "our booking", "that invoice", "the gift card")
MANNERS = ("please", "now", "quickly", "today", "again", "thanks", "asap", "kindly")


def toy_examples(labels: tuple[str, ...] = tuple(VERBS)) -> list[Example]:
    """Inputs of a small grammar with their labels: 56 a label, words tell them apart."""
    return [
        Example(f"{VERBS[label]} {thing} {manner}", label) for thing in THINGS for manner in MANNERS for label in labels
    ]


class FakeTeacher:
    """An OpenAI-compatible server on loopback that knows the toy labels and can be told to misbehave."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.script: list[Response] = []  # answers to give first, whatever is asked
        self.fixed: dict[str, Response] = {}  # answers to give for an input
        self.usage = (10, 2)
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def chat(self, request: Request) -> Response:
        body = json.loads(await request.body())
        text = body["messages"][-1]["content"]
        self.bodies.append(body)
        self.calls[text] += 1
        if self.script:
            return self.script.pop(0)
        if text in self.fixed:
            return self.fixed[text]
        label = next((label for label, words in VERBS.items() if text.startswith(words)), "refund")
        return self.completion(content=label)

    def completion(self, *, finish_reason: str = "stop", **message: Any) -> Response:
        prompt, answer = self.usage
        return JSONResponse(
            {
                "id": "c",
                "object": "chat.completion",
                "created": 1,
                "model": "oracle",
                "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}],
                "usage": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer},
            }
        )


class _Server(uvicorn.Server):
    def __init__(self, settings: uvicorn.Config) -> None:
        super().__init__(settings)
        self.listening = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        await self.stopping.wait()  # uvicorn's own looks for the end ten times a second


async def serve(app: Starlette) -> AsyncIterator[int]:
    """Run an ASGI app on a free port of loopback; yields the port."""
    server = _Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve())
        await server.listening.wait()
        yield server.servers[0].sockets[0].getsockname()[1]
        server.force_exit = True
        server.stopping.set()
        await running


@pytest.fixture
async def teacher_server() -> AsyncIterator[FakeTeacher]:
    """The fake teacher, listening."""
    teacher = FakeTeacher()
    app = Starlette(routes=[Route("/v1/chat/completions", teacher.chat, methods=["POST"])])
    async for port in serve(app):
        teacher.port = port
        yield teacher


@pytest.fixture
def embedder() -> HashingEmbedder:
    """The real baseline embedder."""
    return HashingEmbedder()


@pytest.fixture
def toy() -> list[Example]:
    """The toy task, three labels."""
    return toy_examples()


@pytest.fixture
def serve_app():
    """`serve` for tests that bring their own application."""
    return serve


@pytest.fixture
def make_settings(tmp_path):
    """Settings of a task `intent` in the test's own folder, with some sections replaced."""

    def make(*, base_url: str = "http://127.0.0.1:9/v1", **sections: Any) -> Settings:
        document: dict[str, Any] = {
            "upstreams": {"oracle": {"base_url": base_url}, "local": {"base_url": "http://127.0.0.1:9/v1"}},
            "tasks": {
                "intent": {
                    "teacher": {"upstream": "oracle", "model": "gold", "price": {"input": 1.0, "output": 2.0}},
                    "student": {"upstream": "local", "model": "v1"},
                    "output": {"labels": sorted(VERBS)},
                    "prompt": "Answer with the intent.",
                    "drift": {"embedder": "words"},
                }
            },
            "embedders": {"words": {"backend": "hashing"}},
            "students": {"path": "students"},
        }
        return config.parse(document | sections, environ={}, root=tmp_path)

    return make

"""A store on a temporary folder, a clock that a test owns, and a teacher on a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.clock import ManualClock
from domain.settings import ModelSettings, ShadowSettings, UpstreamSettings
from embedders.hashing import HashingEmbedder
from monitors.teacher import Teacher, client
from tests.unit.monitors.samples import DEPLOYED_AT, FailingStore


class TeacherServer:
    """Speaks just enough HTTP to answer chat completions: with `answer`, or first with what `script` holds."""

    def __init__(self) -> None:
        self.answer = "refund"
        self.script: list[tuple[int, bytes]] = []
        self.bodies: list[dict[str, Any]] = []
        self.hang = False
        self.most_at_once = 0
        self._at_once = 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, then the connection closes."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        self.bodies.append(json.loads(await reader.readexactly(length)))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        if self.hang:
            await reader.read()  # until the client gives up
        else:
            await asyncio.sleep(0)
        self._at_once -= 1
        status, body = self.script.pop(0) if self.script else (200, completion(self.answer))
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\nx-should-retry: false\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%s" % (status, len(body), body)
        )
        writer.close()

    def teacher(self, **shadow: Any) -> Teacher:
        """The product's client of this server."""
        limits = ShadowSettings(**{"rate": 0.5, "flagged_rate": 1.0, "timeout_s": 5.0} | shadow)
        upstream = UpstreamSettings(base_url=f"http://127.0.0.1:{self.port}/v1")
        model = ModelSettings(upstream="oracle", model="gold")
        return Teacher(model, client(upstream, timeout_s=limits.timeout_s), shadow=limits)


def completion(content: str | None, *, finish_reason: str = "stop") -> bytes:
    """The body of a chat completion: 10 tokens in, 2 out."""
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return json.dumps({"choices": [{"message": message, "finish_reason": finish_reason}], "usage": usage}).encode()


@pytest.fixture
async def teacher_server() -> AsyncIterator[TeacherServer]:
    """A teacher on loopback."""
    teacher = TeacherServer()
    server = await asyncio.start_server(teacher.handle, "127.0.0.1", 0)
    teacher.port = server.sockets[0].getsockname()[1]
    yield teacher
    server.close()
    await server.wait_closed()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FailingStore]:
    """The embedded store, open."""
    opened = FailingStore(tmp_path / "store.db")
    await opened.start()
    yield opened
    await opened.aclose()


@pytest.fixture
def clock() -> ManualClock:
    """A clock a minute after the deployment."""
    return ManualClock(DEPLOYED_AT + 60)


@pytest.fixture
def embedder() -> HashingEmbedder:
    """The embedder that needs no download."""
    return HashingEmbedder()

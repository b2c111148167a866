"""A gateway in one process: replay upstreams, real policies, a store in memory, a clock that stands still."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from adapters.upstreams.replay import ReplayUpstream, Scripted
from domain.clock import ManualClock
from domain.errors import StoreError
from domain.settings import (
    CanarySettings,
    CheckSettings,
    ModelSettings,
    OutputSettings,
    PolicySettings,
    ServerSettings,
    Settings,
    TaskSettings,
    UpstreamSettings,
)

EVENTS = ((b"content-type", b"text/event-stream"),)


def answer(content="refund", **message) -> Scripted:
    """A whole chat completion, as an upstream sends it."""
    written = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "message": written, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
    head = {"id": "up-1", "object": "chat.completion", "model": "m", "vendor": 12345678901234567890123}
    return Scripted(chunks=(json.dumps({**head, "choices": [choice], "usage": usage}).encode(),))


def failure(status: int) -> Scripted:
    """An upstream's own error."""
    return Scripted(status=status, chunks=(b'{"error":{"message":"no","type":"t","code":"c"}}',))


def stream(pieces: Iterable[str] = ("ref", "und"), *, done=True, error=None, usage=False, gate=None) -> Scripted:
    """A streamed chat completion: a preamble with the role, the pieces, a finish reason, [DONE]."""
    deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces), {}]
    chunks = []
    for number, delta in enumerate(deltas):
        reason = "stop" if number == len(deltas) - 1 and done else None
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunks.append({"id": "up-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})
    if usage:
        chunks.append({"id": "up-1", "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10}})
    sent = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    if done:
        sent.append(b"data: [DONE]\n\n")
    else:
        sent.pop()
    return Scripted(headers=EVENTS, chunks=tuple(sent), error=error, late=error is not None, gate=gate)


class MemoryStore:
    """The part of the store that a gateway uses; `broken` makes every call fail."""

    def __init__(self) -> None:
        self.appended = []
        self.deployed = {}
        self.stored = []
        self.issued = []
        self.broken = False
        self.starts = 0
        self.changed = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        self._check()

    async def put_completions(self, completions) -> None:
        self._check()
        self.stored += completions
        self.changed.set()

    async def keys(self):
        self._check()
        return self.issued

    async def append(self, exchanges) -> None:
        self._check()
        self.appended += exchanges
        self.changed.set()

    async def deployment(self, task):
        self._check()
        return self.deployed.get(task)

    async def aclose(self) -> None:
        pass

    def _check(self) -> None:
        if self.broken:
            raise StoreError("the disk is full")


class Reply(msgspec.Struct):
    """What came back."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    pieces: list[bytes] = []

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def content(self):
        return self.json["choices"][0]["message"]["content"]

    @property
    def events(self):
        parts = self.body.decode().split("\n\n")
        return [part.removeprefix("data: ") for part in parts if part.startswith("data: ")]

    @property
    def streamed(self):
        """The text of the streamed deltas."""
        chunks = [json.loads(event) for event in self.events if event != "[DONE]"]
        return "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk.get("choices", ()))


async def drive(
    app, body, *, path="/v1/chat/completions", method="POST", headers=(), leave=None, extensions=None
) -> Reply:
    """One request through an ASGI application; `leave` is an event at which the client disconnects."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    waiting = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]
    reply = Reply(pieces=[])
    ended = asyncio.Event()

    async def receive():
        if waiting:
            return waiting.pop(0)
        await (leave or ended).wait()
        return {"type": "http.disconnect"}

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")
            reply.pieces.append(message.get("body", b""))

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b""}
    if extensions is not None:
        scope["extensions"] = extensions
    await app(scope, receive, send)
    return reply


class Gateway:
    """An assembled gateway with its two upstreams; use it as a context."""

    def __init__(
        self,
        *,
        student=(),
        teacher=(),
        policies=None,
        fallback="teacher",
        cascade=None,
        sticky_header="",
        tenant_header="",
        text=False,
        **server,
    ) -> None:
        self.student = ReplayUpstream(student)
        self.teacher = ReplayUpstream(teacher)
        self.store = MemoryStore()
        self.clock = ManualClock()
        task = TaskSettings(
            teacher=ModelSettings(upstream="teacher", model="big", price="gpt-4o"),
            student=ModelSettings(upstream="student", model="small-v1"),
            output=OutputSettings(text={}) if text else OutputSettings(labels=("refund", "cancel")),
            policies=policies,
            fallback=fallback,
            cascade=cascade,
            canary=CanarySettings(sticky_header=sticky_header),
            tenant_header=tenant_header,
        )
        upstream = UpstreamSettings(base_url="http://nowhere", retries=0, stream_usage=False)
        self.settings = Settings(
            upstreams={"teacher": upstream, "student": upstream},
            tasks={"intent": task},
            server=ServerSettings(**server),
            root=str(Path.cwd()),
        )
        from gateway.app import assemble

        self.app = assemble(
            self.settings,
            store=self.store,
            upstreams={"teacher": [self.teacher], "student": [self.student]},
            clock=self.clock,
        )
        self._stop = asyncio.Event()

    async def __aenter__(self):
        started, self._stopped = asyncio.Event(), asyncio.Event()
        messages = iter([("lifespan.startup", None), ("lifespan.shutdown", self._stop)])

        async def receive():
            kind, gate = next(messages)
            if gate is not None:
                await gate.wait()
            return {"type": kind}

        async def send(message) -> None:
            assert "failed" not in message["type"]
            started.set()

        self._lifespan = asyncio.get_running_loop().create_task(self.app({"type": "lifespan"}, receive, send))
        await started.wait()
        return self

    async def __aexit__(self, *error) -> None:
        self._stop.set()
        await self._lifespan

    async def chat(self, text="where is my money", *, headers=(), leave=None, extensions=None, **fields) -> Reply:
        """A chat completion for the task."""
        body = {"model": "intent", "messages": [{"role": "user", "content": text}], **fields}
        return await drive(self.app, json.dumps(body).encode(), headers=headers, leave=leave, extensions=extensions)

    async def journalled(self):
        """The exchanges that the store has got, once there is one."""
        await self.store.changed.wait()
        return self.store.appended


async def until(condition) -> None:
    """Let the background work until something is so."""
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


@contextlib.contextmanager
def asking(*output):
    """A gateway that checks free text, for many requests in turn: a function of what the model writes and of a request.

    It gives the reply and the exchange in the journal.
    """
    scripts = []
    gateway = Gateway(student=lambda _: scripts[-1], policies=checks(output=output), text=True)
    store = gateway.store

    async def ask(script, body, path="/v1/chat/completions"):
        scripts.append(script)
        store.changed.clear()
        reply = await drive(gateway.app, json.dumps({"model": "intent", **body}).encode(), path=path)
        await store.changed.wait()
        return reply, store.appended[-1]

    with mock.patch("gateway.journal._BATCH_S", 0.0), asyncio.Runner() as runner:
        runner.run(gateway.__aenter__())
        yield lambda *arguments, **more: runner.run(ask(*arguments, **more))
        runner.run(gateway.__aexit__())


def checks(**stages) -> PolicySettings:
    """Policies by stage, each a name or `CheckSettings`."""
    return PolicySettings(
        **{
            stage: tuple(CheckSettings(name=check) if isinstance(check, str) else check for check in listed)
            for stage, listed in stages.items()
        }
    )


class Kit:
    """Everything above: importlib mode has no module to import it from."""

    Gateway = Gateway
    MemoryStore = MemoryStore
    answer = staticmethod(answer)
    failure = staticmethod(failure)
    stream = staticmethod(stream)
    checks = staticmethod(checks)
    asking = staticmethod(asking)
    drive = staticmethod(drive)
    until = staticmethod(until)


@pytest.fixture
def kit() -> type[Kit]:
    """The tools of these tests."""
    return Kit

"""An upstream that answers from a script: for tests, and for replaying recorded traffic without a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError
from domain.ports import Headers, Reply, ReplyStream

if TYPE_CHECKING:
    from domain.ports import Upstream


class Scripted(msgspec.Struct, frozen=True):
    """One canned answer.  `error` is raised before the head, or when `late` after the chunks; `gate` comes first."""

    status: int = 200
    headers: Headers = ((b"content-type", b"application/json"),)
    chunks: tuple[bytes, ...] = ()
    error: UpstreamError | None = None
    late: bool = False
    gate: asyncio.Event | None = None


class Request(msgspec.Struct, frozen=True):
    """What an upstream was asked."""

    path: str
    body: bytes
    headers: Headers


class ReplayUpstream:
    """Answers each request with what the script says to it; keeps the requests it saw."""

    def __init__(self, script: Callable[[Request], Scripted] | Iterable[Scripted]) -> None:
        self.requests: list[Request] = []
        self.cancelled = 0
        if callable(script):
            self._script = script
        else:
            answers = iter(script)
            self._script = lambda _: next(answers)

    async def complete(self, path: str, body: bytes, *, headers: Headers = ()) -> Reply:
        """See `domain.ports.Upstream`."""
        answer = await self.stream(path, body, headers=headers)
        return Reply(answer.status, answer.headers, b"".join([piece async for piece in answer]))

    async def stream(self, path: str, body: bytes, *, headers: Headers = ()) -> ReplyStream:
        """See `domain.ports.Upstream`."""
        request = Request(path, body, headers)
        self.requests.append(request)
        answer = self._script(request)
        try:
            if answer.gate is not None:
                await answer.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if answer.error is not None and not answer.late:
            raise answer.error
        return _ScriptedStream(answer)

    async def aclose(self) -> None:
        """See `domain.ports.Upstream`."""


class _ScriptedStream:
    def __init__(self, answer: Scripted) -> None:
        self.status = answer.status
        self.headers: Headers = answer.headers
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._answer.chunks:
            yield chunk
        if self._answer.error is not None:
            raise self._answer.error

    async def aclose(self) -> None:
        """Nothing to give back."""


if TYPE_CHECKING:
    _: Upstream = ReplayUpstream([])

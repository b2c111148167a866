"""An upstream that answers from a script: for tests, and for replaying recorded traffic without a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, Reply, ReplyStream

if TYPE_CHECKING:
    from domain.ports import Upstream


class Scripted(msgspec.Struct, frozen=True):
    """One canned answer.  `error` is raised before the head, or when `late` after the chunks.

    `gate` holds back the head, `hold` what comes after the chunks: the rest of a stream that stalls.
    """

    status: int = 200
    headers: Headers = ((b"content-type", b"application/json"),)
    chunks: tuple[bytes, ...] = ()
    error: UpstreamError | None = None
    late: bool = False
    gate: asyncio.Event | None = None
    hold: asyncio.Event | None = None


class Request(msgspec.Struct, frozen=True):
    """What an upstream was asked."""

    path: str
    body: bytes
    headers: Headers
    deadline: float | None = None


class ReplayUpstream:
    """Answers each request with what the script says to it.

    `requests` keeps what was asked, `dues` the deadlines streams were given later; `cancelled` counts the calls and
    streams that were left before their end.
    """

    def __init__(self, script: Callable[[Request], Scripted] | Iterable[Scripted]) -> None:
        self.requests: list[Request] = []
        self.dues: list[float | None] = []
        self.cancelled = 0
        self._script = script if callable(script) else _in_turn(script)

    async def complete(self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None) -> Reply:
        """See `domain.ports.Upstream`."""
        answer = await self.stream(path, body, headers=headers, deadline=deadline)
        try:
            return Reply(answer.status, answer.headers, b"".join([piece async for piece in answer]))
        finally:
            await answer.aclose()

    async def stream(
        self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None
    ) -> ReplyStream:
        """See `domain.ports.Upstream`."""
        request = Request(path, body, headers, deadline)
        self.requests.append(request)
        answer = self._script(request)
        if answer.gate is not None:
            try:
                await _opened(answer.gate, deadline)
            except (asyncio.CancelledError, UpstreamError):
                self._left()
                raise
        if answer.error is not None and not answer.late:
            raise answer.error
        return _ScriptedStream(answer, deadline, left=self._left, due=self.dues.append)

    async def aclose(self) -> None:
        """See `domain.ports.Upstream`."""

    def _left(self) -> None:
        self.cancelled += 1


class _ScriptedStream:
    def __init__(
        self,
        answer: Scripted,
        deadline: float | None,
        *,
        left: Callable[[], None],
        due: Callable[[float | None], None],
    ) -> None:
        self.status = answer.status
        self.headers: Headers = answer.headers
        self._answer = answer
        self._deadline = deadline
        self._left = left
        self._due = due
        self._open = True

    def due(self, deadline: float | None) -> None:
        self._deadline = deadline
        self._due(deadline)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in filter(None, self._answer.chunks):
            if not self._open:
                return
            yield chunk
        if self._answer.hold is not None and self._open:
            await _opened(self._answer.hold, self._deadline)
        self._open = False
        if self._answer.error is not None:
            raise self._answer.error

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._left()


async def _opened(gate: asyncio.Event, deadline: float | None) -> None:
    started = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(deadline):
            await gate.wait()
    except TimeoutError:
        limit_s = max(round((deadline or started) - started, 2), 0.0)
        problem = f"the replay did not end its answer within {limit_s:g} s"
        raise UpstreamError(UpstreamFailure.TIMEOUT, problem) from None


def _in_turn(script: Iterable[Scripted]) -> Callable[[Request], Scripted]:
    answers = iter(script)

    def answer(request: Request) -> Scripted:
        try:
            return next(answers)
        except StopIteration:
            problem = f"the script of the replay has no answer left for a request to {request.path}"
            raise UpstreamError(UpstreamFailure.DISCONNECT, problem) from None

    return answer


if TYPE_CHECKING:
    _: Upstream = ReplayUpstream([])

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from adapters.upstreams.openai_http import OpenAIUpstream
from adapters.upstreams.replay import ReplayUpstream, Request, Scripted
from domain.settings import UpstreamSettings
from tests.contract.check_upstream import CHECKS, Play, Stage
from tests.unit.adapters.raw_server import Conversation, RawServer

Script = Callable[[Request], Scripted]


class ReplayStage:
    """The replay upstream is its own model server."""

    def __init__(self, script: Script) -> None:
        self.upstream = ReplayUpstream(script)
        self.requests = self.upstream.requests

    async def left(self, count: int) -> None:
        """See `Stage`: the replay counts at once."""
        assert self.upstream.cancelled == count


class SocketStage:
    """The HTTP upstream, and a server on a socket that plays the script in chunked answers."""

    upstream: OpenAIUpstream

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self._script = script
        self._left = asyncio.Semaphore(0)
        self._seen = 0

    async def handler(self, conversation: Conversation) -> None:
        """Play one connection."""
        while True:
            received = await conversation.request()
            headers = [(name.encode(), value.encode()) for name, value in received.headers]
            request = Request(received.first_line.split()[1].removeprefix("/v1"), received.body, headers)
            self.requests.append(request)
            try:
                done = await self._play(conversation, self._script(request))
            except ConnectionError:
                done = False
            if not done:
                self._left.release()
                return

    async def _play(self, conversation: Conversation, scripted: Scripted) -> bool:
        if scripted.gate is not None:
            await conversation.left()
            return False
        if scripted.error is not None and not scripted.late:
            conversation.close()
            return True
        lines = b"".join(b"%b: %b\r\n" % pair for pair in scripted.headers)
        head = b"HTTP/1.1 %d Status\r\ntransfer-encoding: chunked\r\n%b\r\n" % (scripted.status, lines)
        chunks = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in scripted.chunks if chunk]
        if scripted.hold is not None:
            await conversation.send(head, *chunks)
            await conversation.left()
            return False
        if scripted.error is not None:
            await conversation.send(head, *chunks)
            conversation.close()
        else:
            await conversation.send(head, *chunks, b"0\r\n\r\n")
        return True

    async def left(self, count: int) -> None:
        """See `Stage`."""
        async with asyncio.timeout(5):
            while self._seen < count:
                await self._left.acquire()
                self._seen += 1


@asynccontextmanager
async def replay(script: Script) -> AsyncIterator[Stage]:
    """`ReplayUpstream` plays the script itself."""
    stage = ReplayStage(script)
    yield stage
    await stage.upstream.aclose()


@asynccontextmanager
async def openai_http(script: Script) -> AsyncIterator[Stage]:
    """`OpenAIUpstream` over a real socket."""
    stage = SocketStage(script)
    async with RawServer(stage.handler) as server:
        stage.upstream = OpenAIUpstream(UpstreamSettings(base_url=server.url, timeout_s=5.0), name="x")
        yield stage
        await stage.upstream.aclose()
        await server.open_is(0)


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("play", [replay, openai_http], ids=lambda play: play.__name__)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_upstream_keeps_to_the_port(check: Callable[[Play], Awaitable[None]], play: Play, loop: str) -> None:
    """Each check of the contract holds for each upstream, on asyncio's loop and on the one of production."""

    async def run() -> None:
        await check(play)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())

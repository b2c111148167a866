"""An upstream that misbehaves on purpose: drops kept connections, keeps clients waiting and notes when they leave."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import time
from collections.abc import AsyncIterator

from benchmarks.overhead.bodies import MODEL

_ID = {"id": "chatcmpl-1", "created": 1760000000, "model": MODEL}
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
_ANSWER = json.dumps(_ID | {"object": "chat.completion", "choices": [_CHOICE], "usage": _USAGE}).encode()
_DELTA = {"index": 0, "delta": {"role": "assistant", "content": " word"}, "finish_reason": None}
_EVENT = b"data: " + json.dumps(_ID | {"object": "chat.completion.chunk", "choices": [_DELTA]}).encode() + b"\n\n"
_TICK_S = 0.05


class Mood(enum.Enum):
    """What the upstream does with the next request."""

    FAITHFUL = "answers, and keeps the connection"
    RACE = "answers, and closes the connection `delay_s` later without having said so"
    SILENT = "never answers"
    ENDLESS = "streams events until the client has gone"


class Fickle:
    """The server; `left` holds the clock's time at which it saw its client go."""

    def __init__(self) -> None:
        self.mood = Mood.FAITHFUL
        self.delay_s = 0.0
        self.asked = asyncio.Event()
        self.left: asyncio.Future[float] | None = None

    @contextlib.asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[Fickle]:
        """Serve on loopback until the context ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=2000)
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end of the run, when a proxy that never lets go still holds its connection.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await _request(reader)
        self.asked.set()
        if self.mood in {Mood.SILENT, Mood.ENDLESS}:
            await self._until_gone(reader, writer if self.mood is Mood.ENDLESS else None)
            return False
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(_ANSWER), _ANSWER))
        if self.mood is Mood.RACE:
            await asyncio.sleep(self.delay_s)
        return self.mood is Mood.FAITHFUL

    async def _until_gone(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
        gone = asyncio.get_running_loop().create_task(reader.read(1))
        if writer:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        while not gone.done():
            if writer:
                writer.write(b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT))
            await asyncio.wait([gone], timeout=_TICK_S if writer else None)
        gone.exception()  # a reset is a way to leave, too
        if self.left and not self.left.done():
            self.left.set_result(time.monotonic())


async def _request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    elif b"chunked" in head:
        await reader.readuntil(b"0\r\n\r\n")

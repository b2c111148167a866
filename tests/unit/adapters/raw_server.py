"""A TCP server whose every byte the test decides: what real model servers do wrong, on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import msgspec


class Conversation:
    """One connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number  # 0 for the first connection of the server
        self._reader = reader
        self._writer = writer

    async def request(self) -> Received:
        """The next request; EOFError when the client has left."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        length = int({name.lower(): value for name, value in headers}["content-length"])
        return Received(first, tuple(headers), await self._reader.readexactly(length))

    async def send(self, *pieces: bytes) -> None:
        """Write each piece by itself."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()

    async def left(self) -> None:
        """Until the client has closed the connection."""
        while await self._reader.read(65536):
            pass

    def close(self) -> None:
        """Close in good order."""
        self._writer.close()

    def reset(self) -> None:
        """Close without a goodbye."""
        self._writer.transport.abort()


class Received(msgspec.Struct, frozen=True):
    """A request as it came over the wire."""

    first_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        """All values of one header."""
        return [value for given, value in self.headers if given == name]


Handler = Callable[[Conversation], Awaitable[None]]


class RawServer:
    """Runs `handler` for each connection, from `async with` on; `connections` counts them."""

    def __init__(self, handler: Handler, *, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._running: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self.connections = 0
        self.url = ""

    async def open_is(self, count: int) -> None:
        """Until so many connections are open; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while len(self._running) != count:
                self._changed.clear()
                await self._changed.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        self._changed.set()
        conversation = Conversation(reader, writer, self.connections)
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, EOFError, asyncio.CancelledError):
                await self._handler(conversation)
        finally:
            self._running.discard(task)
            self._changed.set()
            writer.close()


def always(*pieces: bytes, close: bool = False) -> Handler:
    """Answer every request of a connection with the same bytes."""

    async def handler(conversation: Conversation) -> None:
        while True:
            await conversation.request()
            await conversation.send(*pieces)
            if close:
                return

    return handler


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A response with a content-length."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def chunked(*pieces: bytes) -> bytes:
    """A chunked response."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

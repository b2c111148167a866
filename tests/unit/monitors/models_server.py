"""A provider's list of models, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from domain.settings import UpstreamSettings
from monitors.catalogue import Catalogue
from monitors.teacher import client


class ModelsServer:
    """Answers `GET` with what stands under the path: (status, body, further headers); 404 for any other."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes, str]] = {}
        self.asked: list[str] = []
        self.port = 0

    def lists(self, *models: dict[str, Any], headers: str = "") -> None:
        """Put these models on the list."""
        body = json.dumps({"object": "list", "data": list(models)}).encode()
        self.pages["/v1/models"] = (200, body, headers)

    def catalogue(self) -> Catalogue:
        """The product's client of this server, without tries that take seconds."""
        upstream = UpstreamSettings(base_url=f"http://127.0.0.1:{self.port}/v1")
        return Catalogue(client(upstream, timeout_s=5.0).with_options(max_retries=0))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, then the connection closes."""
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        self.asked.append(path)
        status, body, headers = self.pages.get(path, (404, b'{"error": {"message": "no such model"}}', ""))
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        writer.close()


@contextlib.asynccontextmanager
async def models_server() -> AsyncIterator[ModelsServer]:
    """A provider on loopback."""
    provider = ModelsServer()
    server = await asyncio.start_server(provider.handle, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    yield provider
    server.close()
    await server.wait_closed()

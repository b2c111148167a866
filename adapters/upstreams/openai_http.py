"""A model server that speaks the OpenAI API over HTTP/1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.http.client import HttpClient
from domain.ports import Headers, Reply, ReplyStream

if TYPE_CHECKING:
    from domain.ports import Upstream
    from domain.settings import UpstreamSettings


class OpenAIUpstream:
    """Calls one upstream with its own key; the caller's key is never passed on."""

    def __init__(self, settings: UpstreamSettings, *, name: str) -> None:
        headers = [(b"content-type", b"application/json")]
        if settings.api_key:
            headers.append((b"authorization", f"Bearer {settings.api_key}".encode()))
        self._client = HttpClient(
            settings.base_url,
            name=name,
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            headers=headers,
        )

    async def complete(self, path: str, body: bytes, *, headers: Headers = ()) -> Reply:
        """See `domain.ports.Upstream`."""
        return await self._client.post(path, body, headers=headers)

    async def stream(self, path: str, body: bytes, *, headers: Headers = ()) -> ReplyStream:
        """See `domain.ports.Upstream`."""
        return await self._client.open(path, body, headers=headers)

    async def aclose(self) -> None:
        """See `domain.ports.Upstream`."""
        await self._client.aclose()


if TYPE_CHECKING:
    _: Upstream = OpenAIUpstream(UpstreamSettings(base_url=""), name="")

"""A model server that speaks the OpenAI API over HTTP/1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.http.client import HttpClient
from domain.errors import ConfigError
from domain.ports import Headers, Reply, ReplyStream

if TYPE_CHECKING:
    from domain.ports import Upstream
    from domain.settings import UpstreamSettings


class OpenAIUpstream:
    """Calls one upstream with its own key; the caller's key is never passed on.

    Raises:
        ConfigError: the base URL names no host, or the key cannot be sent in a header.
    """

    def __init__(self, settings: UpstreamSettings, *, name: str) -> None:
        try:
            self._client = HttpClient(
                settings.base_url,
                peer=f"upstream {name}",
                timeout_s=settings.timeout_s,
                connect_timeout_s=settings.connect_timeout_s,
                headers=[(b"content-type", b"application/json"), *_authorization(settings.api_key, name=name)],
            )
        except ValueError as error:
            raise ConfigError(f"upstreams.{name}.base_url", str(error)) from None

    async def complete(self, path: str, body: bytes, *, headers: Headers = ()) -> Reply:
        """See `domain.ports.Upstream`."""
        return await self._client.post(path, body, headers=headers)

    async def stream(self, path: str, body: bytes, *, headers: Headers = ()) -> ReplyStream:
        """See `domain.ports.Upstream`."""
        return await self._client.open(path, body, headers=headers)

    async def aclose(self) -> None:
        """See `domain.ports.Upstream`; answers that are still coming may end first."""
        await self._client.aclose()


def _authorization(api_key: str, *, name: str) -> Headers:
    key = api_key.strip()  # a key read from a mounted secret often ends with a line feed
    if not key.isprintable():
        raise ConfigError(f"upstreams.{name}.api_key", "must be one line of printable characters")
    return [(b"authorization", f"Bearer {key}".encode())] if key else []


if TYPE_CHECKING:
    _: Upstream = OpenAIUpstream(UpstreamSettings(base_url=""), name="")

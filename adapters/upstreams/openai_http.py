"""A model server that speaks the OpenAI API over HTTP/1.1."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.http.client import HttpClient
from adapters.http.tls import read_authorities
from domain.errors import ConfigError
from domain.ports import Headers, Reply, ReplyStream

if TYPE_CHECKING:
    from domain.ports import Upstream
    from domain.settings import UpstreamSettings


class OpenAIUpstream:
    """Calls one replica of an upstream with the upstream's own key; the caller's key is never passed on.

    `base_url` is that of the replica (empty: the upstream's own); `root` is where a relative `ca_file` starts from.
    It is read here, so build one before the event loop runs, or in a thread.

    Raises:
        ConfigError: the base URL names no host, the key cannot be sent in a header, or `ca_file` cannot be used.
    """

    def __init__(self, settings: UpstreamSettings, *, name: str, base_url: str = "", root: Path = Path()) -> None:
        url = base_url or settings.base_url
        authorization = _authorization(settings.api_key, name=name)
        authorities = _authorities(settings.ca_file, name=name, root=root)
        try:
            self._client = HttpClient(
                url,
                peer=f"upstream {name} at {_address(url)}" if settings.replicas else f"upstream {name}",
                timeout_s=settings.timeout_s,
                connect_timeout_s=settings.connect_timeout_s,
                headers=[(b"content-type", b"application/json"), *authorization],
                authorities=authorities,
                retry_stale=settings.retry_stale,
            )
        except ValueError as error:
            key = "base_url" if url == settings.base_url else "replicas"
            raise ConfigError(f"upstreams.{name}.{key}", str(error)) from None

    # These two hand on the client's own coroutine: each `async def` on the way of a request costs at every wake-up.

    def complete(
        self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None
    ) -> Coroutine[Any, Any, Reply]:
        """See `domain.ports.Upstream`."""
        return self._client.post(path, body, headers=headers, deadline=deadline)

    def stream(
        self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None
    ) -> Coroutine[Any, Any, ReplyStream]:
        """See `domain.ports.Upstream`."""
        return self._client.open(path, body, headers=headers, deadline=deadline)

    async def aclose(self) -> None:
        """See `domain.ports.Upstream`; answers that are still coming may end first."""
        await self._client.aclose()


def _address(url: str) -> str:
    """Host and port as written: a user name or a query in the URL may be secret."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _authorization(api_key: str, *, name: str) -> Headers:
    key = api_key.strip()  # a key read from a mounted secret often ends with a line feed
    if not key.isprintable():
        raise ConfigError(f"upstreams.{name}.api_key", "must be one line of printable characters")
    return [(b"authorization", f"Bearer {key}".encode())] if key else []


def _authorities(ca_file: str, *, name: str, root: Path) -> str:
    if not ca_file:
        return ""
    path = root / ca_file
    try:
        return read_authorities(path)
    except OSError as error:
        raise ConfigError(f"upstreams.{name}.ca_file", f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigError(f"upstreams.{name}.ca_file", f"{path} {error}; give certificates in PEM") from None


if TYPE_CHECKING:
    _: Upstream = OpenAIUpstream(UpstreamSettings(base_url=""), name="")

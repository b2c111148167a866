"""POST over a pool: whole answers and streamed ones."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from adapters.http.pool import Address, Pool
from domain.ports import Headers, Reply

if TYPE_CHECKING:
    from adapters.http.connection import Connection

# Ours to set, or about one connection only (RFC 9110 section 7.6.1).
_NOT_PASSED_ON = frozenset(
    b"host content-length content-type accept-encoding authorization connection keep-alive proxy-authorization "
    b"proxy-connection te trailer transfer-encoding upgrade expect user-agent".split()
)
_NAME = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"  # a token (RFC 9110 section 5.6.2) in lower case
MOST_BYTES = 64 * 1024 * 1024  # of a whole answer; a server that never ends it must not fill our memory
_URL_SAFE = "/%:@!$&'()*+,;=?-._~"  # what a path or query may hold as it is (RFC 3986 section 3.3)


class HttpClient:
    """POSTs to one server with one set of fixed headers.  `peer` names it in errors, such as "upstream openai".

    `timeout_s` is without a byte from the server; a `deadline` of a call is a time of the event loop's clock.
    `authorities` are certificates in PEM to trust instead of the system's; for `retry_stale` see `Pool.exchange`.

    Raises:
        ValueError: the URL names no host, or a port that is none; a header cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        peer: str,
        timeout_s: float,
        connect_timeout_s: float,
        headers: Headers = (),
        authorities: str = "",
        retry_stale: bool = True,
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("the URL names no host")
        if not _visible(parts.netloc):
            raise ValueError("the URL's host must be in ASCII, without blanks")
        tls = parts.scheme == "https"
        address = Address(parts.hostname, parts.port or (443 if tls else 80), tls)
        base = quote(parts.path, safe=_URL_SAFE)
        query = f"?{quote(parts.query, safe=_URL_SAFE)}" if parts.query else ""
        host = parts.netloc.rpartition("@")[2].encode()
        fixed = [(b"host", host), (b"user-agent", b"preceptor"), (b"accept-encoding", b"identity"), *headers]
        self._itself = (base or "/").encode()
        self._base = base.rstrip("/").encode()
        self._rest = b"%b HTTP/1.1\r\n%b" % (query.encode(), _lines(fixed))
        self._timeout_s = timeout_s
        self._pool = Pool(
            address,
            peer=peer,
            connect_timeout_s=connect_timeout_s,
            authorities=authorities,
            retry_stale=retry_stale,
        )

    async def post(
        self,
        path: str,
        body: bytes,
        *,
        headers: Headers = (),
        deadline: float | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Reply:
        """The whole answer, whatever its status.

        Raises:
            UpstreamError: there was no complete answer, or one of more than `most_bytes`.
            ValueError: the path or a header cannot be sent: it would change the request around it.
        """
        request = self._request(path, body, headers)
        connection = await self._pool.exchange(request, timeout_s=self._timeout_s, deadline=deadline)
        response = connection.response
        try:
            return Reply(response.status, response.headers, await connection.read_all(most_bytes))
        finally:
            self._pool.release(connection)

    async def open(self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None) -> Answer:
        """The head of the answer, its body to follow.  An empty `path` asks for the URL itself.

        Raises:
            UpstreamError: there was no head.
            ValueError: the path or a header cannot be sent: it would change the request around it.
        """
        request = self._request(path, body, headers)
        return Answer(self._pool, await self._pool.exchange(request, timeout_s=self._timeout_s, deadline=deadline))

    def _request(self, path: str, body: bytes, headers: Headers) -> bytes:
        target = self._base + _encoded(path) if path else self._itself
        passed_on = _lines([pair for pair in headers if pair[0] not in _NOT_PASSED_ON]) if headers else b""
        return b"POST %b%b%bcontent-length: %d\r\n\r\n%b" % (target, self._rest, passed_on, len(body), body)

    async def aclose(self) -> None:
        """Close idle connections; those in use close with the end of their answer."""
        self._pool.close()


class Answer:
    """An answer whose body may still be coming.  Implements `domain.ports.ReplyStream`."""

    def __init__(self, pool: Pool, connection: Connection) -> None:
        self.status = connection.response.status
        self.headers: Headers = connection.response.headers
        self._pool = pool
        self._connection: Connection | None = connection

    def due(self, deadline: float | None) -> None:
        """See `domain.ports.ReplyStream`."""
        if self._connection is not None:
            self._connection.due(deadline)

    def __aiter__(self) -> Answer:
        """Pieces of the body as they come; see `domain.ports.ReplyStream`."""
        return self

    async def __anext__(self) -> bytes:
        """The next piece.  Whatever goes wrong here, cancellation too, drops the connection."""
        if self._connection is None:
            raise StopAsyncIteration
        try:
            piece = await self._connection.read()
        except BaseException:
            await self.aclose()
            raise
        if not piece:
            await self.aclose()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._pool.release(connection)


@functools.lru_cache(maxsize=128)  # there are few, and each is asked for again and again
def _encoded(path: str) -> bytes:
    if not _visible(path):
        raise ValueError(f"the path {path!r} must be in ASCII, without blanks")
    return path.encode()


def _visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _lines(headers: Headers) -> bytes:
    """Headers as they are sent.  None can end its line and begin another header, or another request.

    Raises:
        ValueError: a name is no token in lower case, or a value holds a line break or a zero byte.
    """
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    names = [name for name, _ in headers]
    if b"".join(names).translate(None, _NAME) or b"" in names:
        raise ValueError("the name of a header must be a token in lower case")
    if not lines.count(b"\r") == lines.count(b"\n") == len(names) or b"\0" in lines:
        raise ValueError("the value of a header must be one line")
    return lines

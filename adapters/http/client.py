"""POST over a pool: whole answers and streamed ones."""

from __future__ import annotations

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
_URL_SAFE = "/%:@!$&'()*+,;=?-._~"  # what a path or query may hold as it is (RFC 3986 section 3.3)


class HttpClient:
    """POSTs to one server with one set of fixed headers.  `peer` names it in errors, such as "upstream openai".

    Raises:
        ValueError: the URL names no host, or a port that is none.
    """

    def __init__(
        self, url: str, *, peer: str, timeout_s: float, connect_timeout_s: float, headers: Headers = ()
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("the URL names no host")
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
        self._pool = Pool(address, peer=peer, connect_timeout_s=connect_timeout_s)

    async def post(self, path: str, body: bytes, *, headers: Headers = ()) -> Reply:
        """The whole answer, whatever its status.

        Raises:
            UpstreamError: there was no complete answer.
        """
        connection = await self._pool.exchange(self._request(path, body, headers), timeout_s=self._timeout_s)
        response = connection.response
        try:
            return Reply(response.status, response.headers, await connection.read_all())
        finally:
            self._pool.release(connection)

    async def open(self, path: str, body: bytes, *, headers: Headers = ()) -> Answer:
        """The head of the answer, its body to follow.  An empty `path` asks for the URL itself.

        Raises:
            UpstreamError: there was no head.
        """
        request = self._request(path, body, headers)
        return Answer(self._pool, await self._pool.exchange(request, timeout_s=self._timeout_s))

    def _request(self, path: str, body: bytes, headers: Headers) -> bytes:
        target = self._base + path.encode() if path else self._itself
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


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])

"""What stands before the route: errors become answers, requests are counted, bodies are bounded.  Pure ASGI."""

from __future__ import annotations

import itertools
import logging
import secrets
from typing import TYPE_CHECKING

from gateway.errors import ApiError, broken
from gateway.identity import fields, id_headers
from gateway.reading import BEGUN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger(__name__)
_JSON = (b"content-type", b"application/json")


class Errors:
    """Names each request, sends an `ApiError` as its answer and anything else as a 500 without a traceback.

    It never answers twice: an answer that has begun breaks off instead.
    """

    def __init__(self, app: ASGIApp, *, refused: Callable[[str], None]) -> None:
        """`refused` is told the code of every error that we answer with ourselves."""
        self._app = app
        self._refused = refused
        self._prefix = secrets.token_hex(6)  # unique among workers; the number makes it unique among requests
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["preceptor.id"] = id_ = f"{self._prefix}-{next(self._numbers)}"
        begun: Callable[[], bool] | None = scope.get("extensions", {}).get(BEGUN)
        if begun is None:
            send, begun = _watched(send)
        try:
            await self._app(scope, receive, send)
        except ApiError as error:
            if begun():
                raise
            await self._answer(scope, send, error)
        except Exception as error:
            _LOG.exception("request_failed id=%s path=%s error=%s", id_, scope["path"][:200], type(error).__name__)
            if begun():
                raise
            await self._answer(scope, send, broken())

    async def _answer(self, scope: Scope, send: Send, error: ApiError) -> None:
        self._refused(error.code)
        named = {name for name, _ in error.headers}
        ids = [pair for pair in id_headers(scope["preceptor.id"], fields(scope)) if pair[0] not in named]
        await respond(send, error.status, error.body, [_JSON, *error.headers, *ids])


class Concurrency:
    """At most `most` requests at a time; the next one gets 503 at once, instead of waiting where nobody sees it.

    Health is asked outside of /v1: a busy gateway must not be taken for a dead one.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        if self._running >= self._most:
            message = f"This gateway is at its limit of {self._most} requests; try again"
            raise ApiError(503, message, kind="server_error", code="overloaded", headers=[(b"retry-after", b"1")])
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1


class BodyLimit:
    """Refuses a body over `most_bytes`, by its declared length or as soon as that many bytes have come.

    `gateway.protocol` reads on for a while, so that a client that is still sending gets this answer.
    """

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See the ASGI specification."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        declared = fields(scope).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._most_bytes:
            raise self._too_large()
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most_bytes:
                raise self._too_large()
            return message

        return self._app(scope, counted, send)

    def _too_large(self) -> ApiError:
        problem = f"The request body is larger than {self._most_bytes} bytes"
        return ApiError(413, problem, code="request_too_large", headers=[(b"connection", b"close")])


def _watched(send: Send) -> tuple[Send, Callable[[], bool]]:
    """The same `send`, and whether it has been used: for a server that does not tell."""
    begun = False

    async def watched(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    return watched, lambda: begun


async def respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})

"""Who may see what the console knows: whoever has the admin token, as a script sends it or as a browser asks for it."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request

if TYPE_CHECKING:
    from console.reload import Current

_CLOSED = "the admin API is closed: set server.admin_token"
_REFUSED = "wrong or missing admin token"


def bearer(current: Current) -> Any:
    """A dependency that lets a request pass only with `authorization: Bearer <admin_token>`."""

    def check(request: Request) -> None:
        if not _matches(_bearer(request), _expected(current)):
            raise HTTPException(401, _REFUSED, {"www-authenticate": "Bearer"})

    return check


def login(current: Current) -> Any:
    """The same for pages: a browser asks for a name, which may be any, and for a password, which is the token."""

    def check(request: Request) -> None:
        expected = _expected(current)
        if not (_matches(_bearer(request), expected) or _matches(_password(request), expected)):
            raise HTTPException(401, _REFUSED, {"www-authenticate": 'Basic realm="Preceptor", charset="UTF-8"'})

    return check


def _expected(current: Current) -> str:
    token = current.settings.server.admin_token
    if not token:
        raise HTTPException(403, _CLOSED)
    return token


def _bearer(request: Request) -> bytes:
    scheme, given = _authorization(request)
    return given if scheme == b"Bearer" else b""


def _password(request: Request) -> bytes:
    scheme, given = _authorization(request)
    if scheme.lower() != b"basic":
        return b""
    try:
        _, _, password = base64.b64decode(given, validate=True).partition(b":")
    except binascii.Error:
        return b""
    return password


def _authorization(request: Request) -> tuple[bytes, bytes]:
    """The scheme and what follows it, as they were sent."""
    scheme, _, given = request.headers.get("authorization", "").encode("latin-1").partition(b" ")
    return scheme, given


def _matches(given: bytes, expected: str) -> bool:
    return hmac.compare_digest(given, expected.encode())

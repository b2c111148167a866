"""Headers that say which request an answer belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.ports import Headers

_LONGEST = 200


def header(headers: Headers, name: bytes) -> bytes:
    """The value of a header, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def id_headers(id_: str, headers: Headers) -> list[tuple[bytes, bytes]]:
    """Our id of a request, and the client's own, or ours in its place."""
    ours = id_.encode()
    return [(b"x-request-id", header(headers, b"x-request-id")[:_LONGEST] or ours), (b"x-preceptor-id", ours)]

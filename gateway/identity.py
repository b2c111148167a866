"""Headers that say which request an answer belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from domain.ports import Headers

_FIELDS = "preceptor.fields"
_LONGEST = 200


def header(headers: Headers, name: bytes) -> bytes:
    """The value of a header, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def fields(scope: Scope) -> dict[bytes, bytes]:
    """The headers of a request by name, the first of each; read once, for whichever layer asks first."""
    found: dict[bytes, bytes] | None = scope.get(_FIELDS)
    if found is None:
        found = scope[_FIELDS] = dict(reversed(scope["headers"]))
    return found


def id_headers(id_: str, given: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Our id of a request, and the client's own, or ours in its place."""
    ours = id_.encode()
    return [(b"x-request-id", given.get(b"x-request-id", b"")[:_LONGEST] or ours), (b"x-preceptor-id", ours)]

"""The head of an HTTP/1.1 request: where it goes, what makes it impossible to serve, and it without an upgrade."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import httptools

from gateway.errors import ApiError
from gateway.framing import Terms

MOST_BYTES = 64 * 1024
SPECIAL = frozenset({b"expect", b"transfer-encoding"})  # fields that `objection` looks at
_STAY, _CLOSE = Terms(keep_alive=True), Terms()
_UPGRADE = frozenset({b"upgrade", b"http2-settings"})


@functools.lru_cache(maxsize=256)  # few are asked for again and again; at MOST_BYTES each they take 16 MiB
def target(url: bytes) -> tuple[str, bytes, bytes]:
    """The decoded path, the raw path and the query of a request target, also one in absolute form.

    Raises:
        ValueError: it is none.
    """
    if not url.startswith(b"/") and url != b"*":
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserError:
            raise ValueError("the request target is neither a path nor a URL") from None
        raw, query = parsed.path or b"/", parsed.query or b""
    else:
        raw, _, query = url.partition(b"#")[0].partition(b"?")
    path = raw.decode("ascii")
    return unquote(path) if "%" in path else path, raw, query


def objection(method: bytes, version: str, special: Mapping[bytes, bytes]) -> ApiError | None:
    """Why a request cannot be served, whatever it asks for."""
    if version not in {"1.0", "1.1"}:
        return _error(505, f"HTTP/{version} is not spoken here; use HTTP/1.1", code="unsupported_http_version")
    if method == b"CONNECT":
        return unknown_method()
    if special:
        if special.get(b"expect", b"100-continue") != b"100-continue" and version == "1.1":
            return _error(417, "Only the expectation 100-continue can be met", code="expectation_failed")
        if special.get(b"transfer-encoding", b"chunked") != b"chunked":
            return _error(501, "The only transfer coding of a request is chunked", code="unsupported_transfer_coding")
    return None


def terms(method: bytes, version: str, *, keeps: bool) -> Terms:
    """What the answer may be; an HTTP/1.0 client gets one answer a connection."""
    if method != b"HEAD" and version == "1.1":
        return _STAY if keeps else _CLOSE
    return Terms(keep_alive=keeps and version == "1.1", head_only=method == b"HEAD", chunks=version == "1.1")


def without_upgrade(method: bytes, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The head of a request that offered another protocol, as if it had not."""
    kept = b"".join([b"%b: %b\r\n" % pair for pair in headers if pair[0] not in _UPGRADE])
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, kept)


def size(url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Bytes of a head, about."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def too_long() -> ApiError:
    """A head, or the trailer after a body, that does not end."""
    return _error(431, f"The head of the request is longer than {MOST_BYTES} bytes", code="headers_too_large")


def too_slow() -> ApiError:
    """A request that did not arrive in time."""
    return _error(408, "The request did not arrive in time; send it again", code="request_timeout")


def malformed(reason: str) -> ApiError:
    """Bytes that are no request; `reason` is the parser's or ours, never the client's text."""
    return _error(400, f"The bytes are no HTTP/1.1 request: {reason}", code="invalid_http")


def unknown_method() -> ApiError:
    """A method that no path of ours has."""
    allowed = [(b"allow", b"GET, POST, DELETE")]
    return ApiError(405, "The method is not known here", code="method_not_allowed", headers=allowed)


def _error(status: int, message: str, *, code: str) -> ApiError:
    return ApiError(status, message, code=code)

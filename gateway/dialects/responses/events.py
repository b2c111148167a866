"""The events of a responses stream on the wire: each carries its type as its name."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway import sse


class _Typed(msgspec.Struct):
    type: str = ""


class _Error(msgspec.Struct):
    error: dict[str, Any] | str | None = None


_TYPED = msgspec.json.Decoder(_Typed)
_ERROR = msgspec.json.Decoder(_Error)


def framed(data: bytes) -> bytes:
    """An event with its name.  A type that is no single word names nothing: it would forge lines of the stream."""
    name = _TYPED.decode(data).type
    if not name.replace(".", "").replace("_", "").isalnum():
        return sse.event(data)
    return b"event: %b\n%b" % (name.encode(), sse.event(data))


def error(body: bytes) -> bytes:
    """An error in OpenAI's shape as the last event.

    The fields of an `error` event stand beside an `error` object, which is what makes the SDK raise.  The number of
    the event before it is not known here, and clients that resume a stream by number get nothing from an error: 0.
    """
    told = _ERROR.decode(body).error or "The model server gave an error"
    found = {"message": told, "type": "api_error"} if isinstance(told, str) else told
    code = found.get("code")
    event = {
        "type": "error",
        "code": None if code is None else str(code),  # some servers repeat the status as a number
        "message": str(found.get("message", "")),
        "param": found.get("param"),
        "sequence_number": 0,
        "error": found,
    }
    return framed(msgspec.json.encode(event))

"""Requests for embeddings: what the gateway must know of them.  Everything else stays the bytes it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway import decoding
from gateway.dialect import Call
from gateway.errors import ApiError

if TYPE_CHECKING:
    from gateway.dialect import Dialect


class _Request(msgspec.Struct):
    model: str
    input: str | list[str | int | list[int]]
    stream: bool | None = None
    user: str | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def decode(body: bytes, dialect: Dialect) -> Call:
    """The request in a body.  An input of token numbers has no text: the checks cannot read it.

    Raises:
        ApiError: 400, with the path of the offending field as `param`.
    """
    request = decoding.understood(body, _REQUEST)
    if request.stream:
        raise ApiError(400, "Embeddings cannot be streamed", code="unsupported_parameter", param="stream")
    inputs = request.input if isinstance(request.input, list) else [request.input]
    texts = tuple([text for text in inputs if isinstance(text, str) and text])
    return Call(
        dialect=dialect,
        body=body,
        model=request.model,
        texts=texts,
        roles=("user",) * len(texts),
        input_text="\n".join(texts),
        user=request.user or "",
    )


def for_model(call: Call, model: str) -> bytes:
    """See `gateway.dialect.Dialect.for_model`."""
    return decoding.replaced(call.body, {"model": model})

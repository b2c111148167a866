"""Requests for completions: what the gateway must know of them.  Everything else stays the bytes it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway import decoding
from gateway.decoding import given
from gateway.dialect import Call

if TYPE_CHECKING:
    from gateway.dialect import Dialect

_FEWEST_LOGPROBS = 1  # 0 asks for the same tokens, but some servers take it for "none"


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str
    prompt: str | list[str | int | list[int]] | None = None
    suffix: str | None = None
    stream: bool | None = None
    stream_options: _Options | None = None
    n: int | None = None
    logprobs: int | None = None
    user: str | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def decode(body: bytes, dialect: Dialect) -> Call:
    """The request in a body.  A prompt of token numbers has no text: the checks cannot read it.

    Raises:
        ApiError: 400, with the path of the offending field as `param`.
    """
    request = decoding.understood(body, _REQUEST)
    prompts = request.prompt if isinstance(request.prompt, list) else [request.prompt]
    said = [prompt for prompt in prompts if isinstance(prompt, str) and prompt]
    options = request.stream_options
    texts = (*said, request.suffix) if request.suffix else tuple(said)
    return Call(
        dialect=dialect,
        body=body,
        model=request.model,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
        texts=texts,
        roles=("user",) * len(texts),
        input_text="\n".join(said),
        user=request.user or "",
        logprobs=request.logprobs is not None,
    )


def for_model(call: Call, model: str, *, usage: bool, logprobs: bool) -> bytes:
    """See `gateway.dialect.Dialect.for_model`."""
    values: dict[str, Any] = {"model": model}
    fields = decoding.fields(call.body)
    if usage and call.stream and not call.include_usage:
        options = msgspec.json.decode(fields["stream_options"]) if given(fields, "stream_options") else {}
        values["stream_options"] = options | {"include_usage": True}
    if logprobs and not call.logprobs:
        values["logprobs"] = _FEWEST_LOGPROBS
    return decoding.replaced(call.body, values)

"""The instructions of a journalled request: what checks compare with an answer that may echo them.  Pure."""

from __future__ import annotations

import msgspec

_INSTRUCT = frozenset({"system", "developer"})


class _Part(msgspec.Struct):
    text: str | None = None


class _Said(msgspec.Struct):
    role: str | None = None
    content: str | list[_Part] | None = None


class _Request(msgspec.Struct):
    messages: list[_Said] | None = None
    instructions: str | None = None
    input: str | list[_Said] | None = None


_DECODER = msgspec.json.Decoder(_Request)


def instructions(request: bytes) -> str:
    """All system and developer messages of a request, of whichever endpoint; empty when it has none."""
    try:
        body = _DECODER.decode(request)
    except msgspec.DecodeError:  # answered once, so it was a request; of a shape that has no instructions
        return ""
    said = [*(body.messages or ()), *(body.input if isinstance(body.input, list) else ())]
    texts = [body.instructions, *(_text(each) for each in said if each.role in _INSTRUCT)]
    return "\n".join(text for text in texts if text)


def _text(said: _Said) -> str:
    if isinstance(said.content, list):
        return "\n".join(part.text for part in said.content if part.text)
    return said.content or ""

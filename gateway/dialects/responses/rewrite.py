"""Sends something else than the model wrote: redacted texts, or a withheld answer that has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from domain.records import Usage
from gateway import decoding, sse
from gateway.answers import Answer, Slot
from gateway.decoding import given
from gateway.dialect import Call, Fields, Head
from gateway.dialects.responses.telling import RESTATED
from gateway.dialects.responses.texts import Walk

# What a response repeats of its request (or the default), because the SDK's model of it wants them.
_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}


class _Numbered(msgspec.Struct):
    sequence_number: int = -1


_NUMBERED = msgspec.json.Decoder(_Numbered)


class ResponsesRedactor:
    """Puts redacted texts in the place of a model's, wherever they are repeated; all else stays to the byte.

    Of a stream, the first piece of a redacted text gets all of it and the later ones none.  Log-probabilities go,
    because they spell the text out.  Positions that a citation gives keep counting in the text of the model.
    """

    def __init__(self, texts: Mapping[Slot, str]) -> None:
        """`texts` holds the slots that changed; a response has one choice."""
        self._changed = {place: text for (_, place), text in texts.items()}
        self._told: set[str] = set()
        self._walk = Walk(self._put, scores=False)

    def apply(self, chunk: bytes) -> bytes:
        """A whole response or the data of the next event, which must be well formed, with the texts replaced."""
        return _walked(self._walk, chunk)

    def _put(self, place: str, text: str, piece: bool) -> str:
        if not text:
            return text
        told, again = place in self._told, place + RESTATED
        self._told.add(place)
        if piece:
            new = self._changed.get(place)
            return text if new is None else "" if told else new
        return self._changed.get(again, self._changed.get(place, text))


def rewritten(data: bytes, texts: Sequence[str | None]) -> bytes:
    """See `gateway.dialect.Dialect.rewritten`; `texts` in the order of the walk."""
    news = iter(texts)

    def put(place: str, text: str, piece: bool) -> str:
        new = next(news) if text else None
        return text if new is None else new

    return Walk(put, scores=False).event(data)


def without_logprobs(chunk: bytes) -> bytes:
    """A whole response or an event with empty `logprobs` wherever there were some."""
    return _walked(Walk(lambda place, text, piece: text, scores=False), chunk)


def withheld(call: Call, answer: Answer, head: Head) -> bytes:
    """A blocked answer: incomplete, without output."""
    return msgspec.json.encode(_incomplete(call, answer, head))


def withheld_events(call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
    """The same as the events of a stream."""
    begun = _head(call, head) | {"status": "in_progress", "incomplete_details": None, "usage": None}
    events = [("created", begun), ("in_progress", begun), ("incomplete", _incomplete(call, answer, head))]
    return tuple(
        msgspec.json.encode({"type": f"response.{name}", "sequence_number": number, "response": response})
        for number, (name, response) in enumerate(events)
    )


def cut_off(call: Call, answer: Answer, head: Head, first: bytes, last: bytes) -> tuple[bytes]:
    """See `gateway.dialect.Dialect.cut_off`: the response that the first event announced is incomplete.

    Its output is empty, as that of one that is withheld: what has left stands in the events before, and a response
    that repeated it could be taken for an answer.
    """
    own = _announced(first)
    response = _head(call, head) | {name: own[name] for name in own if given(own, name)}
    usage = None if answer.usage == Usage() else _usage(answer)  # of a model that was stopped nobody knows it
    response |= {"output": []} | _why(usage)
    event = {"type": "response.incomplete", "sequence_number": _number(last) + 1, "response": response}
    return (msgspec.json.encode(event),)


def _walked(walk: Walk, chunk: bytes) -> bytes:
    return walk.event(chunk) if "type" in decoding.fields(chunk) else walk.response(chunk)


def _incomplete(call: Call, answer: Answer, head: Head) -> dict[str, Any]:
    return _head(call, head) | _why(_usage(answer))


def _why(usage: dict[str, Any] | None) -> dict[str, Any]:
    return {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "usage": usage}


def _usage(answer: Answer) -> dict[str, Any]:
    tokens = answer.usage
    return {
        "input_tokens": tokens.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": tokens.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
    }


def _announced(event: bytes) -> Fields:
    """The response in an event, of which a reader has seen that it is an object."""
    found = {} if event == sse.DONE else decoding.fields(event)
    return decoding.fields(found["response"]) if "response" in found else {}


def _number(event: bytes) -> int:
    return -1 if event == sse.DONE else _NUMBERED.decode(event).sequence_number


def _head(call: Call, head: Head) -> dict[str, Any]:
    asked = decoding.fields(call.body)
    return {
        "id": head.id,
        "object": "response",
        "created_at": head.created,
        "model": head.model,
        "output": [],
        "error": None,
    } | {name: asked.get(name, default) for name, default in _ECHOED.items()}

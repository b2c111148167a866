"""Responses and the events of their streams: every text of them, put together."""

from __future__ import annotations

import msgspec

from domain.records import Usage
from gateway import sse
from gateway.answers import Answer, Choice
from gateway.dialects.responses.telling import Telling
from gateway.dialects.responses.texts import Walk
from gateway.dialects.tokens import Count

LAST = frozenset({"error", "response.completed", "response.failed", "response.incomplete"})
_REASONS = {"max_output_tokens": "length"}  # the others are the same words as in chat completions, or have no such word


class _Tokens(msgspec.Struct):
    input_tokens: Count = 0
    output_tokens: Count = 0


class _Details(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    status: str | None = None
    incomplete_details: _Details | None = None
    usage: _Tokens | None = None


class _Body(_Response, kw_only=True):
    output: list[msgspec.Raw]


class _Token(msgspec.Struct):
    logprob: float


class _Event(msgspec.Struct):
    type: str
    response: _Response | None = None


class _Scored(msgspec.Struct):
    """A response, an event, or a part of a message."""

    type: str = ""
    logprobs: list[_Token] | None = None
    output: list[msgspec.Raw] | None = None


class _Kind(msgspec.Struct):
    type: str


class _Message(msgspec.Struct):
    content: list[_Scored]


_EVENT = msgspec.json.Decoder(_Event)
_BODY = msgspec.json.Decoder(_Body)
_SCORED = msgspec.json.Decoder(_Scored)
_KIND = msgspec.json.Decoder(_Kind)
_MESSAGE = msgspec.json.Decoder(_Message)


class ResponsesReader:
    """Puts an answer together from its events."""

    def __init__(self) -> None:
        self.speaks = False
        self.ended = False
        self._walk = Walk(self._take)
        self._telling = Telling()
        self._response = _Response()
        self._failed = False

    def add(self, data: bytes) -> None:
        """See `gateway.dialect.AnswerReader`; the sentinel of other dialects, which some servers send, says nothing."""
        if data == sse.DONE:
            return
        event = _EVENT.decode(data)
        self._walk.event(data)
        if event.type in LAST:
            self.ended = True
            self._end(event.response)

    def add_whole(self, body: bytes) -> None:
        """Take a whole response in.

        Raises:
            msgspec.DecodeError: it is none.
        """
        response = _BODY.decode(body)
        self._walk.response(body)
        self.ended = True
        self._end(response)

    def build(self) -> Answer:
        """See `gateway.dialect.AnswerReader`; a response has one choice."""
        usage = self._response.usage or _Tokens()
        choices: tuple[Choice, ...] = ()
        if self.speaks:
            choice = Choice(0, self._telling.texts())
            choices = (msgspec.structs.replace(choice, finish_reason=self._reason(choice)),)
        return Answer(choices, Usage(usage.input_tokens, usage.output_tokens), self._failed)

    def _take(self, place: str, text: str, piece: bool) -> str:
        if text:
            self.speaks = True
            self._telling.take(place, text, piece=piece)
        return text

    def _end(self, response: _Response | None) -> None:
        self._response = response or _Response(status="failed")
        self._failed = self._response.status not in (None, "completed", "incomplete")
        self.speaks = self.speaks or not self._failed

    def _reason(self, choice: Choice) -> str:
        if not self.ended or self._failed:
            return ""
        details = self._response.incomplete_details
        if self._response.status == "incomplete":
            reason = (details and details.reason) or "incomplete"
            return _REASONS.get(reason, reason)
        return "tool_calls" if choice.calls_tools else "stop"


def whole(body: bytes) -> Answer:
    """The answer in a body that was not streamed.

    Raises:
        msgspec.DecodeError: it is not a response.
    """
    reader = ResponsesReader()
    reader.add_whole(body)
    return reader.build()


def logprobs(data: bytes) -> list[tuple[int, float]]:
    """Every token's log-probability: of a response from its messages, of an event only if it is a piece of a text.

    The events that repeat a text repeat its log-probabilities, which must not count twice.
    """
    value = _SCORED.decode(data)
    parts = [value] if value.type == "response.output_text.delta" else []
    for item in value.output or ():
        if _KIND.decode(item).type == "message":
            parts += _MESSAGE.decode(item).content
    return [(0, token.logprob) for part in parts for token in part.logprobs or ()]

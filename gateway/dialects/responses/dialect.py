"""The responses endpoint, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.errors import UpstreamFailure
from gateway.answers import Answer, Slot
from gateway.dialect import Call, Head
from gateway.dialects.responses import answer, events, request, rewrite
from gateway.dialects.responses.answer import ResponsesReader
from gateway.dialects.responses.rewrite import ResponsesRedactor
from gateway.dialects.responses.spotter import ResponsesSpotter
from gateway.errors import failure_body

if TYPE_CHECKING:
    from gateway.dialect import Dialect


class ResponsesDialect:
    """Implements `gateway.dialect.Dialect`."""

    name = "responses"
    path = "/responses"
    input_field = "input"
    done: bytes | None = None
    stores = False
    one_model = False

    def decode(self, body: bytes) -> Call:
        """See `gateway.dialect.Dialect`."""
        return request.decode(body, self)

    def for_model(self, call: Call, model: str, *, usage: bool = False, logprobs: bool = False) -> bytes:
        """See `gateway.dialect.Dialect`; every stream ends with its usage, asked for or not."""
        return request.for_model(call, model, logprobs=logprobs)

    def whole(self, body: bytes) -> Answer:
        """See `gateway.dialect.Dialect`."""
        return answer.whole(body)

    def reader(self) -> ResponsesReader:
        """See `gateway.dialect.Dialect`."""
        return ResponsesReader()

    def spotter(self) -> ResponsesSpotter:
        """See `gateway.dialect.Dialect`."""
        return ResponsesSpotter()

    def only_usage(self, data: bytes) -> bool:
        """No event: the usage comes with the last response."""
        return False

    def logprobs(self, data: bytes) -> list[tuple[int, float]]:
        """See `gateway.dialect.Dialect`."""
        return answer.logprobs(data)

    def without_logprobs(self, data: bytes) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return rewrite.without_logprobs(data)

    def redactor(self, texts: Mapping[Slot, str]) -> ResponsesRedactor:
        """See `gateway.dialect.Dialect`."""
        return ResponsesRedactor(texts)

    def rewritten(self, data: bytes, texts: Sequence[tuple[Slot, str | None]]) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return rewrite.rewritten(data, [text for _, text in texts])

    def withheld(self, call: Call, answer: Answer, head: Head) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return rewrite.withheld(call, answer, head)

    def withheld_events(self, call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
        """See `gateway.dialect.Dialect`."""
        return rewrite.withheld_events(call, answer, head)

    def cut_off(self, call: Call, answer: Answer, head: Head, first: bytes, last: bytes) -> tuple[bytes, ...]:
        """See `gateway.dialect.Dialect`."""
        return rewrite.cut_off(call, answer, head, first, last)

    def frame(self, data: bytes) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return events.framed(data)

    def failure(self, kind: UpstreamFailure) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return events.error(failure_body(kind))

    def error(self, body: bytes) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return events.error(body)


if TYPE_CHECKING:
    _: Dialect = ResponsesDialect()

"""The completions endpoint, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.errors import UpstreamFailure
from gateway import sse
from gateway.answers import Answer, Slot
from gateway.dialect import Call, Head
from gateway.dialects import pieces
from gateway.dialects.completions import answer, request, rewrite
from gateway.dialects.completions.answer import CompletionReader
from gateway.dialects.completions.rewrite import CompletionRedactor
from gateway.dialects.pieces import PieceSpotter
from gateway.errors import failure_body

if TYPE_CHECKING:
    from gateway.dialect import Dialect


class CompletionsDialect:
    """Implements `gateway.dialect.Dialect`."""

    name = "completions"
    path = "/completions"
    input_field = "prompt"
    done: bytes | None = sse.DONE
    stores = False
    one_model = False

    def decode(self, body: bytes) -> Call:
        """See `gateway.dialect.Dialect`."""
        return request.decode(body, self)

    def for_model(self, call: Call, model: str, *, usage: bool = False, logprobs: bool = False) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return request.for_model(call, model, usage=usage, logprobs=logprobs)

    def whole(self, body: bytes) -> Answer:
        """See `gateway.dialect.Dialect`."""
        return answer.whole(body)

    def reader(self) -> CompletionReader:
        """See `gateway.dialect.Dialect`."""
        return CompletionReader()

    def spotter(self) -> PieceSpotter:
        """See `gateway.dialect.Dialect`."""
        return PieceSpotter(answer.pieces)

    def only_usage(self, data: bytes) -> bool:
        """See `gateway.dialect.Dialect`."""
        return answer.only_usage(data)

    def logprobs(self, data: bytes) -> list[tuple[int, float]]:
        """See `gateway.dialect.Dialect`."""
        return answer.logprobs(data)

    def without_logprobs(self, data: bytes) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return rewrite.without_logprobs(data)

    def redactor(self, texts: Mapping[Slot, str]) -> CompletionRedactor:
        """See `gateway.dialect.Dialect`."""
        return CompletionRedactor(texts)

    def rewritten(self, data: bytes, texts: Sequence[tuple[Slot, str | None]]) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return CompletionRedactor({slot: text for slot, text in texts if text is not None}).apply(data)

    def withheld(self, call: Call, answer: Answer, head: Head) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return rewrite.withheld(answer, head)

    def withheld_events(self, call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
        """See `gateway.dialect.Dialect`."""
        return rewrite.withheld_events(call, answer, head)

    def cut_off(self, call: Call, answer: Answer, head: Head, first: bytes, last: bytes) -> tuple[bytes, ...]:
        """See `gateway.dialect.Dialect`."""
        return rewrite.withheld_events(call, answer, pieces.head(first, head))

    def frame(self, data: bytes) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return sse.event(data)

    def failure(self, kind: UpstreamFailure) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return sse.event(failure_body(kind))

    def error(self, body: bytes) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return sse.event(body)


if TYPE_CHECKING:
    _: Dialect = CompletionsDialect()

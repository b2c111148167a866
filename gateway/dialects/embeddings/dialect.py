"""The embeddings endpoint, put together.

Vectors of two models cannot be compared, so there is one model and no fallback; and they are never streamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from domain.errors import UpstreamFailure
from gateway.answers import Answer, Slot
from gateway.dialect import Call, Head
from gateway.dialects.embeddings import answer as vectors
from gateway.dialects.embeddings import request
from gateway.dialects.embeddings.answer import NothingToRedact

if TYPE_CHECKING:
    from gateway.dialect import AnswerReader, Dialect, Spotter


class EmbeddingsDialect:
    """Implements `gateway.dialect.Dialect`.  What belongs to a stream is never called, and says so."""

    name = "embeddings"
    path = "/embeddings"
    input_field = "input"
    done: bytes | None = None
    stores = False
    one_model = True

    def decode(self, body: bytes) -> Call:
        """See `gateway.dialect.Dialect`."""
        return request.decode(body, self)

    def for_model(self, call: Call, model: str, *, usage: bool = False, logprobs: bool = False) -> bytes:
        """See `gateway.dialect.Dialect`; vectors always come with their usage and have no log-probabilities."""
        return request.for_model(call, model)

    def whole(self, body: bytes) -> Answer:
        """See `gateway.dialect.Dialect`."""
        return vectors.whole(body)

    def reader(self) -> AnswerReader:
        """There is no stream to read."""
        _no_stream()

    def spotter(self) -> Spotter:
        """There is no stream with texts."""
        _no_stream()

    def only_usage(self, data: bytes) -> bool:
        """There is no stream with an event for the usage."""
        _no_stream()

    def logprobs(self, data: bytes) -> list[tuple[int, float]]:
        """Vectors have none."""
        return []

    def without_logprobs(self, data: bytes) -> bytes:
        """Vectors have none."""
        return data

    def redactor(self, texts: Mapping[Slot, str]) -> NothingToRedact:
        """See `gateway.dialect.Dialect`."""
        return NothingToRedact()

    def rewritten(self, data: bytes, texts: Sequence[tuple[Slot, str | None]]) -> bytes:
        """There is no stream with texts."""
        _no_stream()

    def withheld(self, call: Call, answer: Answer, head: Head) -> bytes:
        """See `gateway.dialect.Dialect`."""
        return vectors.withheld(answer, head)

    def withheld_events(self, call: Call, answer: Answer, head: Head) -> tuple[bytes, ...]:
        """There is no stream to withhold."""
        _no_stream()

    def cut_off(self, call: Call, answer: Answer, head: Head, first: bytes, last: bytes) -> tuple[bytes, ...]:
        """There is no stream to cut off."""
        _no_stream()

    def frame(self, data: bytes) -> bytes:
        """There is no stream to frame events for."""
        _no_stream()

    def failure(self, kind: UpstreamFailure) -> bytes:
        """There is no stream that could break."""
        _no_stream()

    def error(self, body: bytes) -> bytes:
        """There is no stream that an error could end."""
        _no_stream()


def _no_stream() -> NoReturn:
    raise AssertionError("embeddings are not streamed: decode refuses such a request")


if TYPE_CHECKING:
    _: Dialect = EmbeddingsDialect()

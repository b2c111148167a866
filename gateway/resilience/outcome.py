"""One attempt at a call: what it is, what it gives back, and whether that speaks against the replica."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from domain.errors import UpstreamFailure

if TYPE_CHECKING:
    from domain.ports import Headers, Upstream

_NOT_IMPLEMENTED = 501  # what the model server does not offer it will not offer later either
_FAILURES = frozenset(
    {UpstreamFailure.CONNECT, UpstreamFailure.TIMEOUT, UpstreamFailure.DISCONNECT, UpstreamFailure.PROTOCOL}
)


class Outcome(Protocol):
    """What one attempt gives back: an answer, a stream that has begun, or an error of the upstream."""

    @property
    def status(self) -> int:
        """200, or the upstream's error status."""
        ...

    @property
    def headers(self) -> Headers:
        """Of the upstream's answer."""
        ...

    def when_closed(self, callback: Callable[[bool], None]) -> None:
        """Call back once with whether it ended well: at once for a whole answer, at its end for a stream."""
        ...


T = TypeVar("T", bound=Outcome)

Attempt: TypeAlias = Callable[["Upstream", float], Awaitable[T]]  # (replica, deadline in loop time); UpstreamError


def is_good(outcome: Outcome) -> bool:
    """Whether it is an answer of the model."""
    return outcome.status < 400


def blames_replica(outcome: Outcome) -> bool:
    """Whether the status says that the replica is broken; 429 and the like prove that it lives."""
    return outcome.status >= 500 and outcome.status != _NOT_IMPLEMENTED


def is_failure(kind: UpstreamFailure) -> bool:
    """Whether an error of this kind says that the replica is broken."""
    return kind in _FAILURES

"""Which replica gets the next call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import UpstreamError, UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.resilience.replica import Replica


class Balancer:
    """Gives the replica with the fewest calls among those whose breaker lets a call through; ties go in rotation."""

    def __init__(self, name: str, replicas: Sequence[Replica]) -> None:
        self._name = name
        self._replicas = replicas
        self._only = replicas[0] if len(replicas) == 1 else None
        self._first = 0

    def choose(self, now: float, used: Sequence[Replica] = ()) -> Replica | None:
        """The replica for a call at `now`, rather one that the call has used less; None: no breaker lets it through."""
        if self._only is not None:
            return self._only if self._only.breaker.admits(now) else None
        first = self._first
        self._first = (first + 1) % len(self._replicas)
        admitting = [
            replica
            for replica in (*self._replicas[first:], *self._replicas[:first])
            if replica.breaker.admits(now)
        ]  # fmt: skip
        return min(admitting, key=lambda replica: (used.count(replica), replica.outstanding), default=None)

    def refusal(self, now: float) -> UpstreamError:
        """Why `choose` gave none, and when it may again."""
        wait_s = min(replica.breaker.wait_s(now) for replica in self._replicas)
        after = f"in {wait_s:.1f} s" if wait_s else "when the probe under way has ended"
        problem = f"upstream {self._name} failed too often and is left alone; it may be asked again {after}"
        return UpstreamError(UpstreamFailure.OVERLOADED, problem)

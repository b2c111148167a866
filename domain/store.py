"""The seam of the store, the only place where processes meet, and the values that cross it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from domain.records import Backlog, Deployment, DetectorState, Exchange, Pair, PairState, Reading, Signal


class Watched(msgspec.Struct, frozen=True):
    """What the drift stage found out about one exchange."""

    exchange_id: str
    novelty: float | None  # None: there was no reference to compare with


class WorkBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a worker writes in one transaction: it takes effect whole or not at all."""

    owner: str
    at: float
    watched: Sequence[Watched] = ()  # leased exchanges that are done
    opened: Sequence[Pair] = ()  # new shadow samples (state pending, or already terminal)
    closed: Sequence[Pair] = ()  # leased pairs that reached a terminal state
    states: Sequence[DetectorState] = ()
    readings: Sequence[Reading] = ()
    signals: Sequence[Signal] = ()


class PendingPair(msgspec.Struct, frozen=True):
    """A shadow sample to ask the teacher about, with the exchange it belongs to."""

    pair: Pair
    exchange: Exchange


class WatchedExchange(msgspec.Struct, frozen=True):
    """A journalled exchange with the novelty that the monitors gave it (None: not yet looked at, or no reference)."""

    exchange: Exchange
    novelty: float | None


class Store(Protocol):
    """Where processes meet.  A method raises StoreError when the store cannot be used; nothing took effect."""

    async def start(self) -> None:
        """Open, and create or migrate the schema; opening what is open does nothing."""
        ...

    async def aclose(self) -> None:
        """Finish what is running and close."""
        ...

    async def append(self, exchanges: Sequence[Exchange]) -> None:
        """Journal exchanges; one whose id is known already is left as it is."""
        ...

    async def lease(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[Exchange]:
        """The oldest exchanges that nobody has watched or holds a lease on, in journal order.

        They are leased to `owner` until `at + lease_s`.
        """
        ...

    async def lease_pairs(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[PendingPair]:
        """The oldest pending pairs nobody holds a lease on, leased likewise."""
        ...

    async def commit(self, batch: WorkBatch) -> None:
        """Write a batch in one transaction.

        Raises:
            LeaseLostError: a watched exchange or closed pair is no longer leased to `batch.owner`.
        """
        ...

    async def backlog(self, task: str) -> Backlog:
        """What waits for the monitors of `task`."""
        ...

    async def exchanges(
        self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000
    ) -> list[WatchedExchange]:
        """The newest exchanges with `at >= after` (of one model, if given), oldest first, at most `limit`."""
        ...

    async def exchanges_by_id(self, ids: Sequence[str]) -> list[WatchedExchange]:
        """The exchanges with these ids, in the order asked; unknown ids are left out."""
        ...

    async def pairs(self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000) -> list[Pair]:
        """The newest pairs opened at or after `after`, oldest first by closing order, pending last."""
        ...

    async def pair_counts(self, task: str) -> dict[PairState, int]:
        """How many shadow samples stand in each state."""
        ...

    async def spent_usd(self, task: str, *, since: float) -> float:
        """What the pairs closed at or after `since` cost."""
        ...

    async def readings(self, task: str, *, after: float = 0.0) -> list[Reading]:
        """Detector readings, oldest first."""
        ...

    async def detector_states(self, task: str, reference_id: str) -> list[DetectorState]:
        """The last committed state of each detector armed with this reference."""
        ...

    async def signals(self, task: str, *, after: float = 0.0) -> list[Signal]:
        """Signals, oldest first."""
        ...

    async def undelivered(self, *, limit: int) -> list[Signal]:
        """Retrain signals not yet delivered, oldest first."""
        ...

    async def delivered(self, signal_id: str, *, at: float) -> None:
        """Mark a signal delivered."""
        ...

    async def deploy(self, deployment: Deployment) -> None:
        """Append to the registry: from now on this student serves the task."""
        ...

    async def deployment(self, task: str) -> Deployment | None:
        """The newest deployment, or None when the task still serves what its configuration names."""
        ...

    async def deployments(self, task: str) -> list[Deployment]:
        """The whole history, oldest first."""
        ...

    async def put_blob(self, kind: str, body: bytes, *, at: float) -> str:
        """Keep bytes (a reference, a report) once; returns their sha256, which is their id."""
        ...

    async def blob(self, blob_id: str) -> bytes | None:
        """The bytes kept under that id."""
        ...

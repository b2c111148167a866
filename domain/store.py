"""The seam of the store, the only place where processes meet, and the values that cross it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from domain.chronicle import Chronicle
from domain.clients import ClientKey, StoredCompletion
from domain.follow_up import FollowUps, Recheck, Tally
from domain.records import (
    Decision,
    Deployment,
    DetectorState,
    Exchange,
    Pair,
    PairState,
    Reading,
    Signal,
)


class Watched(msgspec.Struct, frozen=True):
    """What the drift stage found out about one exchange."""

    exchange_id: str
    novelty: float | None  # None: there was no reference to compare with, or the input was not embedded
    cluster: int | None = None  # the nearest of the reference


class WorkBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a worker writes in one transaction: it takes effect whole or not at all."""

    owner: str
    at: float
    watched: Sequence[Watched] = ()  # leased exchanges that are done, in the order in which they were watched
    opened: Sequence[Pair] = ()  # new shadow samples (state pending, or already terminal)
    closed: Sequence[Pair] = ()  # leased pairs that reached a terminal state
    states: Sequence[DetectorState] = ()
    readings: Sequence[Reading] = ()
    signals: Sequence[Signal] = ()
    tallies: Sequence[Tally] = ()  # each in the place of the one of its task, series and hour
    rechecks: Sequence[Recheck] = ()


class Backlog(msgspec.Struct, frozen=True):
    """What waits for the monitors."""

    unread: int
    pending_pairs: int
    undelivered_signals: int
    oldest_at: float | None = None


class PendingPair(msgspec.Struct, frozen=True):
    """A shadow sample to ask the teacher about, with the exchange it belongs to."""

    pair: Pair
    exchange: Exchange


class WatchedExchange(msgspec.Struct, frozen=True):
    """A journalled exchange with the novelty that the monitors gave it (None: not yet looked at, or no reference)."""

    exchange: Exchange
    novelty: float | None
    cluster: int | None = None


class Judged(msgspec.Struct, frozen=True):
    """What the checks said of one journalled exchange.  Names are those of `Exchange`; the texts are left out."""

    id: str
    at: float
    policy: str = ""
    decisions: tuple[Decision, ...] = ()


class Store(FollowUps, Chronicle, Protocol):
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

    async def judged(self, task: str, *, after: float = 0.0, limit: int = 1000) -> list[Judged]:
        """What the checks said of the newest exchanges with `at >= after`, oldest first, at most `limit`."""
        ...

    async def pairs(self, task: str, *, after: float = 0.0, model: str = "", limit: int = 1000) -> list[Pair]:
        """The newest pairs opened at or after `after`, oldest first by closing order, pending last."""
        ...

    async def pair_counts(self, task: str) -> dict[PairState, int]:
        """How many shadow samples stand in each state."""
        ...

    async def spent_usd(self, task: str, *, since: float) -> float:
        """What the pairs closed, and the teacher asked again, at or after `since` cost."""
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

    async def add_key(self, key: ClientKey) -> None:
        """Keep a client key.

        Raises:
            StoreError: its id, its hash or, while both are active, its name is another key's.
        """
        ...

    async def revoke_key(self, key_id: str, *, at: float) -> bool:
        """End a key for good; False when there is none of that id that is active."""
        ...

    async def keys(self) -> list[ClientKey]:
        """All keys, the revoked ones too, oldest first."""
        ...

    async def put_completions(self, completions: Sequence[StoredCompletion]) -> None:
        """Keep completions; one takes the place of an earlier one of its owner and id."""
        ...

    async def completions(
        self,
        owner: str,
        *,
        task: str = "",
        metadata: Mapping[str, str] | None = None,
        after: str = "",
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[StoredCompletion]:
        """At most `limit` completions of an owner in order of time (of one task, and with all of `metadata`, if given).

        `after` is the id after which they begin in that order; none begin after one that is not there.
        """
        ...

    async def completion(self, owner: str, completion_id: str) -> StoredCompletion | None:
        """One completion of an owner."""
        ...

    async def update_completion(
        self, owner: str, completion_id: str, metadata: Mapping[str, str]
    ) -> StoredCompletion | None:
        """Put other metadata in the place of a completion's; the completion as it is now, None if there is none."""
        ...

    async def delete_completion(self, owner: str, completion_id: str) -> bool:
        """Forget a completion; False if there was none."""
        ...

    async def request_reload(self, *, at: float) -> None:
        """Ask every process to read its configuration again; `at` takes the place of the last request's time."""
        ...

    async def reload_requested(self) -> float:
        """The time of the last request to reload, 0.0 when there was none.  A new request is one of another time."""
        ...

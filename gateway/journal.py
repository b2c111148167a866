"""From the hot path to the store: a bounded queue that never waits, a writer that never gives up."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from domain import tasks
from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from domain.clients import StoredCompletion
    from domain.records import Exchange

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_BATCH_ROWS = 100
_BATCH_S = 0.05
_RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_BYTES = 64 * 1024 * 1024  # of texts in memory: ten thousand requests of 20 MB are not a bound


class Opened(Protocol):
    """What a journal needs of a store beside the method that it writes with."""

    async def start(self) -> None:
        """Open; opening what is open does nothing."""
        ...


class Journal(Generic[T]):
    """Takes records, writes them in batches of up to 100 rows or 50 ms, drops and counts when the queue is full."""

    def __init__(
        self,
        store: Opened,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        size: Callable[[T], int],
        most: int,
        dropped: Callable[[int], None],
        waiting: Callable[[int], None] = lambda _: None,
        most_bytes: int = _MOST_BYTES,
        retry_s: tuple[float, ...] = _RETRY_S,
    ) -> None:
        """`write` is the store's; `dropped` is told how many more were lost, `waiting` how many are queued now."""
        self._store = store
        self._append = write
        self._size = size
        self._most = most
        self._most_bytes = most_bytes
        self._dropped = dropped
        self._waiting = waiting
        self._retry_s = retry_s
        self._queue: collections.deque[T] = collections.deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._open = False
        self._writer: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many records wait."""
        return len(self._queue)

    def offer(self, record: T) -> bool:
        """Accept a record without waiting; False when the queue is full and it was dropped."""
        size = self._size(record)
        if len(self._queue) >= self._most or self._bytes + size > self._most_bytes:
            self._dropped(1)
            self._waiting(len(self._queue))
            return False
        self._queue.append(record)
        self._bytes += size
        self._arrived.set()
        if len(self._queue) % _BATCH_ROWS == 0:  # a writer that hangs in a stalled store says nothing
            self._waiting(len(self._queue))
        return True

    def start(self) -> None:
        """Begin to write.  The store is opened here, and again until it opens: traffic does not wait for it."""
        self._writer = tasks.spawn(self._write(), name="journal")

    async def aclose(self, *, timeout_s: float) -> None:
        """Write what waits, for at most `timeout_s`; what is left then is counted as dropped."""
        self._closing = True
        self._arrived.set()
        if self._writer is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._writer), timeout_s)
            await tasks.cancel(self._writer)
        if self._queue:
            _LOG.error("journal_lost_at_shutdown records=%s", len(self._queue))
            self._dropped(len(self._queue))

    async def _write(self) -> None:
        attempt = 0
        while not (self._closing and not self._queue):
            await self._gather()
            try:
                await self._flush()
                attempt = 0
            except StoreError as error:
                if attempt == 0:
                    _LOG.error("journal_not_written waiting=%s error=%s", len(self._queue), error)
                self._waiting(len(self._queue))
                await asyncio.sleep(self._retry_s[min(attempt, len(self._retry_s) - 1)])
                attempt += 1

    async def _gather(self) -> None:
        """Return when something has waited for 50 ms; what came meanwhile goes along."""
        if not self._queue and not self._closing:
            self._arrived.clear()
            await self._arrived.wait()
        if len(self._queue) < _BATCH_ROWS and not self._closing:
            await asyncio.sleep(_BATCH_S)

    async def _flush(self) -> None:
        if not self._open:
            await self._store.start()
            self._open = True
        while self._queue:
            self._waiting(len(self._queue))
            batch = list(itertools.islice(self._queue, _BATCH_ROWS))
            try:
                await self._append(batch)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - rows that break the store must not stop the journal for good
                _LOG.error("journal_batch_refused records=%s error=%s", len(batch), type(error).__name__)
                self._dropped(len(batch))
            self._forget(len(batch))  # only now: a batch that was not written stays in the queue
        self._waiting(0)

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._bytes -= self._size(self._queue.popleft())


def exchange_size(exchange: Exchange) -> int:
    """Bytes of text in memory, about."""
    return len(exchange.request) + len(exchange.input_text) + len(exchange.output_text)


def completion_size(completion: StoredCompletion) -> int:
    """Bytes of text in memory, about."""
    return len(completion.request) + len(completion.body)

"""Threads for checks that work too long for the event loop: a bounded number of them, and a bounded queue.

Python cannot stop a thread.  Who waits leaves at its deadline; the thread stays taken until its work really ends.
All book-keeping happens on the event loop, so it needs no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from domain.clock import SystemClock
from policies.circuit import Circuit
from policies.configured import UnavailableError

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check, Subject, WaitingCheck
    from domain.records import Decision

T = TypeVar("T")

_TIMER_S = 0.001  # uvloop rounds its timers to milliseconds, so a deadline may come as much too early


class PoolFullError(UnavailableError):
    """All threads are taken, and so are all places to wait; the reason is `pool_full`."""

    def __init__(self) -> None:
        super().__init__("pool_full")


class CircuitOpenError(UnavailableError):
    """A check that was late several times in a row is left alone for a while; the reason is `circuit_open`."""

    def __init__(self) -> None:
        super().__init__("circuit_open")


class Pool:
    """At most `workers` threads, started when they are needed, and `queue` calls that wait for one."""

    def __init__(self, *, workers: int, queue: int) -> None:
        if workers < 1 or queue < 0:
            raise ValueError(f"a pool has workers and no negative queue: {workers} workers, a queue of {queue}")
        self.workers = workers
        self.given_up = 0  # calls on a thread that nobody waited for to the end, since the start
        self._queue = queue
        self._waiting: deque[_Call] = deque()
        self._inbox: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0
        self._abandoned = 0
        self._closed = False

    @property
    def busy(self) -> int:
        """Threads at work."""
        return self._busy

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._waiting)

    @property
    def abandoned(self) -> int:
        """Threads at work for nobody."""
        return self._abandoned

    async def run(self, function: Callable[[], T]) -> T:
        """What `function` returns or raises on a thread; a cancelled caller leaves at once.

        Raises:
            PoolFullError: there is neither a thread nor a place in the queue, or the pool is closed.
        """
        call = _Call(function, self._ended)
        if not self._closed and self._busy < self.workers:
            self._begin(call)
        elif not self._closed and len(self._waiting) < self._queue:
            self._waiting.append(call)
        else:
            raise PoolFullError
        try:
            result: T = await call.answer
        except asyncio.CancelledError:
            self._leave(call)
            raise
        return result

    async def aclose(self) -> None:
        """Take no more calls and let the threads end; a stuck one is not waited for, and does not keep the process."""
        self._closed = True
        while self._waiting:
            self._waiting.popleft().settle(None, PoolFullError())
        for _ in range(self._threads):
            self._inbox.put(None)
        self._threads = 0

    def _begin(self, call: _Call) -> None:
        if self._threads == self._busy:
            threading.Thread(target=_serve, args=(self._inbox,), name="preceptor-check", daemon=True).start()
            self._threads += 1
        self._busy += 1
        self._inbox.put(call)

    def _leave(self, call: _Call) -> None:
        if call in self._waiting:
            self._waiting.remove(call)
        elif not call.ended:
            call.abandoned = True
            self._abandoned += 1
            self.given_up += 1

    def _ended(self, call: _Call) -> None:
        self._busy -= 1
        self._abandoned -= call.abandoned
        if self._waiting:
            self._begin(self._waiting.popleft())


class _Call:
    """A function to be called on a thread, and the future of what comes of it."""

    __slots__ = ("_function", "_loop", "_on_end", "abandoned", "answer", "ended")

    def __init__(self, function: Callable[[], Any], on_end: Callable[[_Call], None]) -> None:
        self._function = function
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Any] = self._loop.create_future()
        self.abandoned = False
        self.ended = False

    def run(self) -> None:
        """Call it and tell the loop; an exit of a plug-in (SystemExit) ends neither the thread nor the process."""
        result, raised = None, None
        try:
            result = self._function()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the loop must hear of it
            raised = error
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._end, result, raised)

    def settle(self, result: Any, raised: BaseException | None) -> None:
        """Give the one who waits, if there still is one, what came of it."""
        if self.answer.done():
            return
        if raised is None:
            self.answer.set_result(result)
        elif isinstance(raised, Exception) and not isinstance(raised, StopIteration):
            self.answer.set_exception(raised)
        else:  # what no future can carry
            self.answer.set_exception(RuntimeError(f"a check raised {type(raised).__name__}"))

    def _end(self, result: Any, raised: BaseException | None) -> None:
        self.ended = True
        self._on_end(self)
        self.settle(result, raised)


def _serve(inbox: SimpleQueue[_Call | None]) -> None:
    while (call := inbox.get()) is not None:
        call.run()
        del call  # an idle thread keeps no user text


class Pooled:
    """A check that runs on the threads of a pool, and is left alone when it keeps being late.

    `make` is called once for each thread, now: no two threads share an instance, and no request pays for a model that
    has to be loaded.  `budget_s` is the deadline that the engine gives an inspection, in seconds.
    """

    def __init__(self, make: Callable[[], Check], pool: Pool, *, budget_s: float, clock: Clock | None = None) -> None:
        self._idle = [make() for _ in range(pool.workers)]
        self.name = self._idle[0].name
        self._pool = pool
        self._budget_s = budget_s
        self._clock = clock or SystemClock()
        self._circuit = Circuit()

    async def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.WaitingCheck`.

        Raises:
            PoolFullError: there is no thread for it now.
            CircuitOpenError: it was late too often to be asked now.
        """
        began = self._clock.monotonic_s()
        if not self._circuit.enter(began):
            raise CircuitOpenError
        overran: bool | None = False
        try:
            return await self._pool.run(functools.partial(self._ask, subject))
        except PoolFullError:
            overran = None
            raise
        except asyncio.CancelledError:  # at the deadline, or because nobody needs to know any more
            overran = self._clock.monotonic_s() - began >= self._budget_s - _TIMER_S or None
            raise
        finally:
            self._circuit.left(overran=overran, now=self._clock.monotonic_s())

    def _ask(self, subject: Subject) -> Decision | None:
        check = self._idle.pop()
        try:
            return check.inspect(subject)
        finally:
            self._idle.append(check)


if TYPE_CHECKING:
    _: type[WaitingCheck] = Pooled

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from domain.clock import ManualClock
from domain.ports import Subject, WaitingCheck
from domain.records import Decision, Stage, Verdict
from policies.circuit import OPEN_S, OVERRUNS
from policies.configured import ConfiguredCheck, inspect_waiting
from policies.pool import CircuitOpenError, Pool, Pooled, PoolFullError

SUBJECT = Subject(Stage.INPUT, ("hello",))


class Gate:
    """Work that a thread cannot finish before the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.threads: list[str] = []

    def __call__(self) -> str:
        self.threads.append(threading.current_thread().name)
        self.entered.release()
        assert self.open.wait(30)
        return "done"

    async def reached(self) -> None:
        """Until one more thread stands at the gate."""
        assert await asyncio.to_thread(self.entered.acquire, timeout=10)


@asynccontextmanager
async def running(*, workers: int = 1, queue: int = 0) -> AsyncIterator[tuple[Pool, Gate]]:
    """A pool and a gate; what still stands at the gate is let through in the end."""
    pool, gate = Pool(workers=workers, queue=queue), Gate()
    try:
        yield pool, gate
    finally:
        gate.open.set()
        await pool.aclose()


async def cancelled(task: asyncio.Task[object]) -> None:
    """Cancel a task and see it end so."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def begun(pool: Pool, function: Callable[[], object]) -> asyncio.Task[object]:
    """A caller of the pool."""
    return asyncio.get_running_loop().create_task(pool.run(function))


async def until(condition: Callable[[], bool]) -> None:
    """Until something that a thread has told the loop is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


def counts(pool: Pool) -> tuple[int, int, int]:
    """Busy, waiting, abandoned."""
    return pool.busy, pool.waiting, pool.abandoned


async def test_it_runs_on_a_thread_of_its_own_and_gives_what_comes_of_it() -> None:
    """Results and errors come back; the event loop's thread does no work."""
    async with running() as (pool, _):
        assert await pool.run(threading.get_ident) != threading.get_ident()
        with pytest.raises(KeyError, match="missing"):
            await pool.run(lambda: {}["missing"])
        assert counts(pool) == (0, 0, 0)


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt(), StopIteration("x"), GeneratorExit()])
async def test_what_no_future_can_carry_is_an_error_like_any_other(raised: BaseException) -> None:
    """A plug-in that calls exit ends neither its thread nor the process."""

    def exits() -> None:
        raise raised

    async with running() as (pool, _):
        with pytest.raises(RuntimeError, match=type(raised).__name__):
            await pool.run(exits)
        assert await pool.run(lambda: 1) == 1


async def test_threads_start_when_they_are_needed_and_never_more_than_workers() -> None:
    """One after the other needs one thread; at the same time as many as there may be."""
    async with running(workers=2, queue=4) as (pool, gate):
        names = {await pool.run(threading.get_ident) for _ in range(5)}
        assert len(names) == 1
        callers = [begun(pool, gate) for _ in range(4)]
        await gate.reached()
        await gate.reached()
        assert counts(pool) == (2, 2, 0)
        gate.open.set()
        assert await asyncio.gather(*callers) == ["done"] * 4
        assert counts(pool) == (0, 0, 0)


async def test_a_full_pool_says_so_at_once() -> None:
    """There is no place beyond the queue, and who is turned away leaves nothing behind."""
    async with running(workers=1, queue=1) as (pool, gate):
        callers = [begun(pool, gate) for _ in range(2)]
        await gate.reached()
        with pytest.raises(PoolFullError) as caught:
            await pool.run(gate)
        assert caught.value.reason == "pool_full"
        assert counts(pool) == (1, 1, 0)
        gate.open.set()
        await asyncio.gather(*callers)


async def test_who_gives_up_in_the_queue_gives_the_place_back_and_is_never_run() -> None:
    """A caller that left does not cost a thread."""
    ran: list[int] = []
    async with running(workers=1, queue=1) as (pool, gate):
        first = begun(pool, gate)
        await gate.reached()
        second = begun(pool, lambda: ran.append(2))
        await until(lambda: pool.waiting == 1)
        await cancelled(second)
        assert counts(pool) == (1, 0, 0)
        third = begun(pool, lambda: ran.append(3))
        gate.open.set()
        await asyncio.gather(first, third)
    assert ran == [3]
    assert pool.given_up == 0


async def test_a_thread_stays_taken_until_its_work_really_ends() -> None:
    """The caller leaves at once; the thread is counted as abandoned, and serves again when it is through."""
    async with running(workers=1, queue=1) as (pool, gate):
        first = begun(pool, gate)
        await gate.reached()
        await cancelled(first)
        assert counts(pool) == (1, 0, 1)
        assert pool.given_up == 1
        second = begun(pool, lambda: "next")
        await until(lambda: pool.waiting == 1)
        gate.open.set()
        assert await second == "next"
        assert counts(pool) == (0, 0, 0)


async def test_to_close_is_not_to_wait_for_a_stuck_thread() -> None:
    """Closing returns while a thread is stuck; who waits in the queue is told, and so is who comes later."""
    pool, gate = Pool(workers=1, queue=1), Gate()
    stuck = begun(pool, gate)
    await gate.reached()
    waiting = begun(pool, gate)
    await until(lambda: pool.waiting == 1)
    await pool.aclose()
    for caller in (waiting, begun(pool, gate)):
        with pytest.raises(PoolFullError):
            await caller
    gate.open.set()
    assert await stuck == "done"


def test_a_thread_outlives_its_loop_in_silence() -> None:
    """Work that ends after the loop has closed has nobody to tell, and no error comes of it."""
    gate, threads = Gate(), {*threading.enumerate()}

    async def abandon() -> None:
        caller = begun(Pool(workers=1, queue=0), gate)
        await gate.reached()
        await cancelled(caller)

    asyncio.run(abandon())
    gate.open.set()
    (thread,) = [each for each in threading.enumerate() if each not in threads and each.name == "preceptor-check"]
    assert thread.daemon
    assert thread.is_alive()


async def test_an_idle_thread_keeps_nothing_of_its_last_work() -> None:
    """What a check looked at is garbage once it has answered."""

    class Text:
        pass

    async with running() as (pool, _):
        text = Text()
        seen = weakref.ref(text)
        await pool.run(lambda kept=text: None)  # type: ignore[misc]
        del text
        await pool.run(lambda: None)
        gc.collect()
        assert seen() is None


@pytest.mark.parametrize(("workers", "queue"), [(0, 1), (-1, 1), (1, -1)])
def test_impossible_sizes_are_refused(workers: int, queue: int) -> None:
    """A pool without a thread would never answer."""
    with pytest.raises(ValueError, match="workers"):
        Pool(workers=workers, queue=queue)


class Counted:
    """A check that must not be run by two threads at once; stands at the gate if it has one."""

    name = "counted"
    triggers: tuple[str, ...] = ()
    window: int | None = None

    def __init__(self, gate: Gate | None = None) -> None:
        self.gate = gate
        self.inside = 0

    def inspect(self, subject: Subject) -> Decision | None:
        self.inside += 1
        assert self.inside == 1, "two threads in one instance"
        if self.gate is not None:
            self.gate()
        self.inside -= 1
        return Decision(self.name, Verdict.FLAG, "seen")


class Broken(Counted):
    def inspect(self, subject: Subject) -> Decision | None:
        raise ValueError(subject.texts[0])


async def test_each_thread_has_an_instance_made_beforehand() -> None:
    """As many are made as there are threads, at once, and no two threads are ever in the same."""
    made: list[Counted] = []
    async with running(workers=2, queue=8) as (pool, gate):

        def make() -> Counted:
            made.append(Counted(gate))
            return made[-1]

        pooled = Pooled(make, pool, budget_s=1.0, clock=ManualClock())
        assert (len(made), pooled.name) == (2, "counted")
        inspections = [asyncio.get_running_loop().create_task(pooled.inspect(SUBJECT)) for _ in range(6)]
        await gate.reached()
        await gate.reached()
        gate.open.set()
        assert {each.reason for each in await asyncio.gather(*inspections) if each} == {"seen"}
        assert len(made) == 2


async def test_what_a_check_raises_comes_back_and_its_instance_stays_usable() -> None:
    """The engine sees the error of the check itself."""
    async with running() as (pool, _):
        pooled = Pooled(Broken, pool, budget_s=1.0, clock=ManualClock())
        for _ in range(OVERRUNS + 1):
            with pytest.raises(ValueError, match="hello"):
                await pooled.inspect(SUBJECT)


async def late(pooled: Pooled, clock: ManualClock, seconds: float) -> None:
    """An inspection that is given up after so many seconds."""
    caller = asyncio.get_running_loop().create_task(pooled.inspect(SUBJECT))
    await asyncio.sleep(0)
    clock.advance(seconds)
    await cancelled(caller)


async def test_a_check_that_is_late_again_and_again_is_left_alone_for_a_while() -> None:
    """After five overruns in a row the answer is `circuit_open` at once; later one may try."""
    clock = ManualClock()
    async with running(workers=1, queue=9) as (pool, gate):
        pooled = Pooled(lambda: Counted(gate), pool, budget_s=0.05, clock=clock)
        for _ in range(OVERRUNS):
            await late(pooled, clock, 0.05)
        with pytest.raises(CircuitOpenError) as caught:
            await pooled.inspect(SUBJECT)
        assert caught.value.reason == "circuit_open"
        clock.advance(OPEN_S)
        gate.open.set()
        assert await pooled.inspect(SUBJECT) is not None
        assert await pooled.inspect(SUBJECT) is not None


@pytest.mark.parametrize(("seconds", "opens"), [(0.04, False), (0.0495, True), (0.05, True)])
async def test_only_who_waited_to_the_deadline_was_let_down(seconds: float, opens: bool) -> None:
    """A client that leaves early says nothing about the check; a timer may be a millisecond early."""
    clock = ManualClock()
    async with running(workers=1, queue=9) as (pool, gate):
        pooled = Pooled(lambda: Counted(gate), pool, budget_s=0.05, clock=clock)
        for _ in range(OVERRUNS):
            await late(pooled, clock, seconds)
        gate.open.set()
        if opens:
            with pytest.raises(CircuitOpenError):
                await pooled.inspect(SUBJECT)
        else:
            assert await pooled.inspect(SUBJECT) is not None


async def test_a_full_pool_is_not_the_fault_of_the_check() -> None:
    """Who found no thread neither opens the circuit nor closes it."""
    clock = ManualClock()
    async with running(workers=1, queue=0) as (pool, gate):
        pooled = Pooled(Counted, pool, budget_s=0.05, clock=clock)
        taken = begun(pool, gate)
        await gate.reached()
        for _ in range(OVERRUNS + 1):
            with pytest.raises(PoolFullError):
                await pooled.inspect(SUBJECT)
        gate.open.set()
        await taken
        assert await pooled.inspect(SUBJECT) is not None


async def test_the_engine_tells_apart_why_a_check_could_not_run() -> None:
    """No inspection waits beyond its budget, and each way to fail has its own reason."""
    async with running(workers=1, queue=0) as (pool, gate):
        pooled = Pooled(lambda: Counted(gate), pool, budget_s=0.01)
        configured: ConfiguredCheck[WaitingCheck] = ConfiguredCheck(
            check=pooled,
            called="slow",
            stage=Stage.INPUT,
            verdict=Verdict.FLAG,
            on_error=Verdict.BLOCK,
            budget_s=0.01,
        )
        assert [each.reason for each in await inspect_waiting(configured, SUBJECT)] == ["over_budget"]
        assert [each.reason for each in await inspect_waiting(configured, SUBJECT)] == ["pool_full"]
        assert counts(pool) == (1, 0, 1)
        gate.open.set()
        await until(lambda: pool.busy == 0)
        assert [each.reason for each in await inspect_waiting(configured, SUBJECT)] == ["seen"]

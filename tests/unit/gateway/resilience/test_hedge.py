"""The race of two attempts: one outcome, and nothing left behind."""

from __future__ import annotations

import asyncio

import pytest

from gateway.resilience.hedge import race
from tests.unit.gateway.resilience.fakes import Answer, Stream, error

NEVER = 60.0


class Runner:
    """An attempt that ends when told to: with an outcome, an error or None."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = False
        self._end: asyncio.Future = asyncio.get_running_loop().create_future()

    async def __call__(self):
        self.started.set()
        try:
            return await self._end
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def end(self, result) -> None:
        """Let it end so."""
        if isinstance(result, Exception):
            self._end.set_exception(result)
        else:
            self._end.set_result(result)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def both_running():
    """A race whose second attempt has begun."""
    first, second = Runner(), Runner()
    running = asyncio.get_running_loop().create_task(race(first, second, after_s=0.0))
    await second.started.wait()
    return first, second, running


@pytest.fixture(autouse=True)
async def tidy():
    """No task outlives a race."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


@pytest.mark.parametrize("result", [Answer(), Answer(400), Answer(503)])
async def test_a_first_attempt_that_ends_in_time_is_alone(result):
    """Whatever it gave: an error of the upstream is for the retry policy to judge."""
    first, second = Runner(), Runner()
    first.end(result)
    assert await race(first, second, after_s=NEVER) == (result, False)
    assert not second.started.is_set()


async def test_a_first_attempt_that_fails_in_time_is_not_hedged():
    """It goes the way of the retry."""
    first, second = Runner(), Runner()
    first.end(error())
    with pytest.raises(type(error())):
        await race(first, second, after_s=NEVER)
    assert not second.started.is_set()


@pytest.mark.parametrize("winner", [0, 1])
@pytest.mark.parametrize("status", [200, 400])
async def test_the_first_final_outcome_wins(winner, status):
    """Also one that another attempt would not change; the loser is cancelled before the race returns."""
    *runners, running = await both_running()
    result = Answer(status)
    runners[winner].end(result)
    assert await running == (result, bool(winner))
    assert runners[1 - winner].cancelled


@pytest.mark.parametrize("loser", [0, 1])
@pytest.mark.parametrize("failure", [error(), Answer(503)])
async def test_a_failure_waits_for_the_other(loser, failure):
    """The hedge is a second chance, whichever of the two fails."""
    *runners, running = await both_running()
    runners[loser].end(failure)
    await settle()
    assert not running.done()
    result = Answer()
    runners[1 - loser].end(result)
    assert await running == (result, not loser)


async def test_two_failures_give_the_last():
    """The newest says most."""
    first, second, running = await both_running()
    first.end(Answer(500))
    await settle()
    last = Answer(503)
    second.end(last)
    assert await running == (last, True)


async def test_two_errors_raise_the_last():
    """One error, not a group of them."""
    first, second, running = await both_running()
    second.end(error())
    await settle()
    last = error()
    first.end(last)
    with pytest.raises(type(last)) as caught:
        await running
    assert caught.value is last


@pytest.mark.parametrize("faulty", [0, 1])
async def test_a_fault_of_ours_is_raised_as_it_is(faulty):
    """It ends the race, and the other attempt with it."""
    *runners, running = await both_running()
    fault = ValueError("a fault of ours")
    runners[faulty].end(fault)
    with pytest.raises(ValueError, match="a fault of ours"):
        await running
    assert runners[1 - faulty].cancelled


@pytest.mark.parametrize("result", [Answer(), Answer(503)])
async def test_a_second_that_takes_no_part_changes_nothing(result):
    """The first decides alone."""
    first, second, running = await both_running()
    second.end(None)
    await settle()
    assert not running.done()
    first.end(result)
    assert await running == (result, False)


async def test_a_loser_that_began_too_is_closed():
    """Both streams begin in the same instant: one is kept open, the other's connection drops."""
    first, second, running = await both_running()
    streams = Stream(), Stream()
    first.end(streams[0])
    second.end(streams[1])
    assert await running == (streams[0], False)
    assert [stream.closed for stream in streams] == [False, True]


@pytest.mark.parametrize("begun", [False, True])
async def test_who_leaves_the_race_ends_both(begun):
    """A client that goes away cancels what runs and closes what has just begun."""
    first, second, running = await both_running()
    stream = Stream()
    if begun:
        first.end(stream)
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert second.cancelled
    assert stream.closed if begun else first.cancelled

"""The group: retries, outages, and everything together."""

from __future__ import annotations

import asyncio
import email.utils
import random

import pytest

from adapters.upstreams.replay import ReplayUpstream, Scripted
from domain.clock import ManualClock
from domain.errors import UpstreamError, UpstreamFailure
from domain.settings import BreakerSettings
from tests.unit.gateway.resilience.fakes import BUSY, DOWN, FAR, OK, Answer, Lab, Stream, always, error, status, task


async def test_a_call_that_goes_well_is_one_attempt():
    """And holds nothing afterwards."""
    lab = Lab([OK])
    assert (await lab.ask()).body == b"yes"
    assert lab.asked == [1]
    assert lab.number("attempts_total", outcome="ok") == 1.0
    assert lab.idle


@pytest.mark.parametrize("failure", [BUSY, DOWN, status(429), status(408, x_should_retry="true")])
async def test_a_retry_prefers_another_replica(failure):
    """The first answers badly, the second well."""
    lab = Lab([failure], [OK], retries=1)
    assert (await lab.ask()).body == b"yes"
    assert lab.asked == [1, 1]
    reason = "connect" if failure.error else "status"
    assert lab.number("retries_total", reason=reason) == 1.0
    assert lab.idle


@pytest.mark.parametrize(
    "failure",
    [
        status(400),
        status(401),
        status(503, x_should_retry="false"),
        status(429, retry_after="6"),
        status(503, retry_after_ms="5001"),
        Scripted(error=error(UpstreamFailure.OVERLOADED)),
    ],
)
async def test_what_is_not_retriable_is_the_answer(failure):
    """With the status and the headers of the upstream."""
    lab = Lab([failure], [OK], retries=3)
    if failure.error:
        with pytest.raises(UpstreamError):
            await lab.ask()
    else:
        answer = await lab.ask()
        assert (answer.status, answer.headers, answer.body) == (failure.status, failure.headers, b"error")
    assert lab.asked == [1, 0]
    assert lab.idle


@pytest.mark.parametrize(("ahead_s", "asked"), [(100, [1]), (-100, [2])])
async def test_a_date_to_retry_after_is_compared_with_the_clock(ahead_s, asked):
    """A date that has passed asks for nothing."""
    clock = ManualClock()
    date = email.utils.formatdate(clock.now_s() + ahead_s, usegmt=True)
    lab = Lab(always(status(503, retry_after=date)), retries=1, clock=clock)
    await lab.ask()
    assert lab.asked == asked


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_the_last_outcome_is_the_answer(retries):
    """After so many retries as configured, whatever came before."""
    lab = Lab([*[DOWN] * retries, BUSY], retries=retries)
    assert (await lab.ask()).status == 503
    assert lab.asked == [retries + 1]
    assert lab.idle


async def test_the_last_error_is_raised():
    """When no attempt gave an outcome."""
    lab = Lab([BUSY, DOWN], retries=1)
    with pytest.raises(UpstreamError) as caught:
        await lab.ask()
    assert caught.value.kind is UpstreamFailure.CONNECT
    assert lab.idle


async def test_no_upstream_is_blamed_for_a_call_without_time():
    """Other models have spent it: nothing is asked, and no breaker hears of it."""
    lab = Lab([], breaker=BreakerSettings(failures=1))
    with pytest.raises(UpstreamError, match=lab.name) as caught:
        await lab.ask(deadline=asyncio.get_running_loop().time())
    assert caught.value.kind is UpstreamFailure.TIMEOUT
    assert lab.asked == [0]
    assert lab.number("breaker_open", replica="0") == 0.0


async def test_an_upstream_whose_replicas_all_fail_is_not_asked():
    """The call is refused at once, so that the next model is asked."""
    lab = Lab(always(DOWN), always(BUSY), retries=3, breaker=BreakerSettings(failures=2, open_s=60.0))
    await asyncio.gather(lab.ask(), return_exceptions=True)
    assert lab.asked == [2, 2]
    with pytest.raises(UpstreamError, match=r"in (59\.\d|60\.0) s") as caught:
        await lab.ask()
    assert caught.value.kind is UpstreamFailure.OVERLOADED
    assert lab.asked == [2, 2]
    assert [lab.number("breaker_open", replica=str(number)) for number in range(2)] == [1.0, 1.0]
    assert lab.number("refused_total", reason="open") == 1.0
    assert lab.idle


async def test_the_failure_that_opened_the_breaker_is_told():
    """A retry that is refused says less than the answer before it."""
    lab = Lab(always(BUSY), retries=3, breaker=BreakerSettings(failures=1))
    answer = await lab.ask()
    assert (answer.status, answer.body) == (503, b"busy")
    assert lab.asked == [1]


async def test_a_retry_does_not_wait_behind_itself():
    """With one slot and no waiting line it gets its turn."""
    lab = Lab([DOWN, OK], retries=1, max_concurrency=1, max_waiting=0)
    assert (await lab.ask()).body == b"yes"
    assert lab.idle


async def test_a_retry_without_a_turn_leaves_the_failure():
    """Another call took the only slot during the pause."""
    gate = asyncio.Event()
    others = []

    def script(request):
        if others:
            return Scripted(gate=gate, chunks=(b"yes",))
        others.append(task(lab.ask()))
        return BUSY

    lab = Lab(script, retries=1, max_concurrency=1, max_waiting=0)
    assert (await lab.ask()).body == b"busy"
    assert lab.number("refused_total", reason="full") == 1.0
    gate.set()
    assert (await others[0]).body == b"yes"
    assert lab.idle


async def test_an_outage_is_not_multiplied():
    """A hundred calls that fail make thirty retries, and every other one that would have been is counted."""
    lab = Lab(always(BUSY), retries=1, breaker=BreakerSettings(failures=10_000))
    await asyncio.gather(*[lab.ask() for _ in range(100)])
    assert lab.asked == [130]
    assert lab.number("retries_total", reason="status") == 30.0
    assert lab.number("refused_total", reason="retry_budget") == 70.0
    assert lab.idle


async def test_closing_the_group_closes_every_replica():
    """No connection is left."""
    closed = []

    class Closing(ReplayUpstream):
        async def aclose(self):
            closed.append(self)

    lab = Lab([], [])
    for replica in lab.group._replicas:
        replica.upstream = Closing([])
    await lab.group.aclose()
    assert len(closed) == 2


class Storm:
    """Calls that fail, stream, wait too long and end badly, by the dice."""

    def __init__(self, lab: Lab) -> None:
        self.dice = random.Random(7)
        self.streams: list[Stream] = []
        self._lab = lab

    async def client(self):
        """One call, and its stream if it is one, to the end."""
        soon = asyncio.get_running_loop().time() + 0.002
        deadline = soon if self.dice.random() < 0.1 else FAR
        outcome = await self._lab.group.call(self._attempt, deadline=deadline, streams=self.dice.random() < 0.5)
        if isinstance(outcome, Stream):
            try:
                await self._a_while()
            finally:
                outcome.end(well=self.dice.random() < 0.9)

    async def _attempt(self, upstream, deadline):
        await self._a_while()
        fate = self.dice.random()
        if fate < 0.1:
            raise error(self.dice.choice(list(UpstreamFailure)))
        if fate < 0.2:
            return Answer(self.dice.choice([400, 429, 500, 501, 503]))
        if fate < 0.5:
            self.streams.append(Stream())
            return self.streams[-1]
        return Answer()

    async def _a_while(self):
        for _ in range(self.dice.randrange(12)):
            await asyncio.sleep(0)


@pytest.mark.parametrize("hedge", [False, True])
async def test_a_storm_leaves_nothing_behind(hedge):
    """A thousand calls, many of them cancelled at random: every counter returns to zero."""
    lab = Lab([], [], [], hedge=hedge, retries=2, max_concurrency=40, max_waiting=900, max_wait_s=60.0)
    storm = Storm(lab)
    calls = [task(storm.client()) for _ in range(1000)]
    for _ in range(60):
        await asyncio.sleep(0)
        for call in storm.dice.sample(calls, 10):
            call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    cancelled = [call for call in calls if call.cancelled()]
    answered = [call for call in calls if not call.cancelled() and call.exception() is None]
    assert min(len(cancelled), len(answered)) > 100
    assert all(stream.closed for stream in storm.streams)
    assert lab.idle
    assert asyncio.all_tasks() == {asyncio.current_task()}

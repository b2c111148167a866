"""The group: turns, replicas, retries and hedges together."""

from __future__ import annotations

import asyncio
import email.utils
import random

import pytest

from adapters.upstreams.replay import ReplayUpstream, Scripted
from domain.clock import ManualClock
from domain.errors import UpstreamError, UpstreamFailure
from domain.settings import BreakerSettings
from tests.unit.gateway.resilience.fakes import FAR, Answer, Lab, Stream, ask, error

OK = Scripted(chunks=(b"yes",))
BUSY = Scripted(status=503, chunks=(b"busy",))
DOWN = Scripted(error=error())


def always(scripted):
    """The same answer to every request."""
    return lambda request: scripted


def status(code, **headers):
    """An upstream's error."""
    named = tuple((key.replace("_", "-").encode(), value.encode()) for key, value in headers.items())
    return Scripted(status=code, headers=named, chunks=(b"error",))


def task(coroutine):
    """Run it beside the test."""
    return asyncio.get_running_loop().create_task(coroutine)


async def settle():
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


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


async def test_a_retry_prefers_a_busier_replica_to_the_one_that_failed():
    """Least outstanding is the second rule."""
    lab = Lab(always(DOWN), always(Scripted(gate=(gate := asyncio.Event()), chunks=(b"yes",))), retries=1)
    lab.group._replicas[1].enter()
    call = task(lab.ask())
    gate.set()
    assert (await call).body == b"yes"
    assert lab.asked == [1, 1]


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


@pytest.mark.parametrize(
    ("left_s", "streams", "given_s"),
    [(1000.0, False, 30.0), (1000.0, True, 7.0), (5.0, False, 5.0), (5.0, True, 5.0), (20.0, True, 7.0)],
)
async def test_each_attempt_has_its_own_deadline(left_s, streams, given_s):
    """The earliest of the call's, the attempt's, and for streams the first token's; for the retry as well."""
    lab = Lab([], retries=1, attempt_timeout_s=30.0, first_token_timeout_s=7.0)
    given = []

    async def attempt(upstream, deadline):
        given.append(deadline - asyncio.get_running_loop().time())
        return Answer(503)

    await lab.group.call(attempt, deadline=asyncio.get_running_loop().time() + left_s, streams=streams)
    assert given == [pytest.approx(given_s, abs=0.5)] * 2


async def test_no_upstream_is_blamed_for_a_call_without_time():
    """Other models have spent it: nothing is asked, and no breaker hears of it."""
    lab = Lab([], breaker=BreakerSettings(failures=1))
    with pytest.raises(UpstreamError, match=lab.name) as caught:
        await lab.ask(deadline=asyncio.get_running_loop().time())
    assert caught.value.kind is UpstreamFailure.TIMEOUT
    assert lab.asked == [0]
    assert lab.number("breaker_open", replica="0") == 0.0


async def test_a_stream_holds_its_slot_until_its_end():
    """The next call waits for it; a bad end is held against the replica."""
    lab = Lab([], max_concurrency=1, breaker=BreakerSettings(failures=1))
    stream = Stream()

    async def attempt(upstream, deadline):
        return stream

    assert await lab.group.call(attempt, deadline=FAR, streams=True) is stream
    second = task(lab.group.call(attempt, deadline=FAR, streams=True))
    await settle()
    assert not second.done()
    stream.end(well=False)
    with pytest.raises(UpstreamError, match="failed too often"):
        await second
    assert lab.idle


async def test_a_client_that_leaves_is_no_failure_of_the_replica():
    """Its slot is free at once, the request is dropped, and the breaker stays closed."""
    lab = Lab(always(Scripted(gate=asyncio.Event())), breaker=BreakerSettings(failures=1))
    call = task(lab.ask())
    await settle()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert lab.upstreams[0].cancelled == 1
    assert lab.number("breaker_open", replica="0") == 0.0
    assert lab.idle


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


async def test_the_least_busy_replica_is_asked():
    """One that hangs gets no more calls than it must."""
    hangs = Scripted(gate=asyncio.Event())
    lab = Lab(always(hangs), always(OK))
    call = task(lab.ask())
    await settle()
    for _ in range(10):
        await lab.ask()
    assert lab.asked == [1, 10]
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def warm(*scripts, hedge=True, **options):
    """A group that knows how fast its replicas are; from now on they follow `scripts`."""
    lab = Lab(*[always(OK)] * len(scripts), hedge=hedge, **options)
    for _ in range(64):
        await lab.ask()
    for upstream, script in zip(lab.upstreams, scripts, strict=True):
        upstream.requests.clear()
        upstream._script = script
    return lab


async def test_a_slow_call_is_hedged():
    """The other replica answers, the first request is dropped, and no task is left."""
    lab = await warm(always(Scripted(gate=asyncio.Event())), always(OK))
    assert (await lab.ask()).body == b"yes"
    assert lab.asked == [1, 1]
    assert lab.upstreams[0].cancelled == 1
    assert lab.number("hedges_total", winner="second") == 1.0
    assert lab.idle
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_hedging_is_asked_for():
    """Without the setting a slow call is one request."""
    gate = asyncio.Event()
    lab = await warm(always(Scripted(gate=gate, chunks=(b"slow",))), always(OK), hedge=False)
    call = task(lab.ask())
    await asyncio.sleep(0.005)
    gate.set()
    assert (await call).body == b"slow"
    assert lab.asked == [1, 0]


async def test_the_first_may_still_win():
    """The hedge is dropped then."""
    gate = asyncio.Event()
    hangs = Scripted(gate=asyncio.Event())
    lab = await warm(always(Scripted(gate=gate, chunks=(b"first",))), always(hangs))
    call = task(lab.ask())
    while lab.asked != [1, 1]:
        await asyncio.sleep(0.001)
    gate.set()
    assert (await call).body == b"first"
    assert lab.upstreams[1].cancelled == 1
    assert lab.number("hedges_total", winner="first") == 1.0
    assert lab.idle


async def test_a_hedge_needs_a_second_replica_that_works():
    """With the other one's breaker open the call waits for the first."""
    gate = asyncio.Event()
    lab = await warm(always(Scripted(gate=gate, chunks=(b"first",))), always(OK), breaker=BreakerSettings(failures=1))
    other = lab.group._replicas[1]
    other.leave(other.enter(), well=False, now=asyncio.get_running_loop().time())
    call = task(lab.ask())
    await asyncio.sleep(0.005)
    gate.set()
    assert (await call).body == b"first"
    assert lab.asked == [1, 0]


async def test_a_hedge_never_waits_for_a_slot():
    """A busy upstream gets no second requests."""
    gate = asyncio.Event()
    slow = always(Scripted(gate=gate, chunks=(b"yes",)))
    lab = await warm(slow, slow, max_concurrency=1)
    call = task(lab.ask())
    await asyncio.sleep(0.005)
    gate.set()
    await call
    assert sum(lab.asked) == 1
    assert lab.idle


async def test_at_most_a_tenth_of_the_calls_are_hedged():
    """Even when every call is slow: a hundred make ten hedges, whatever was saved before."""
    gate = asyncio.Event()
    slow = always(Scripted(gate=gate, chunks=(b"yes",)))
    lab = await warm(slow, slow)
    calls = [task(lab.ask()) for _ in range(100)]
    while sum(lab.asked) < 110:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.005)  # time enough for more
    gate.set()
    await asyncio.gather(*calls)
    assert sum(lab.asked) == 100 + 10
    assert lab.idle


async def test_a_first_attempt_that_fails_early_is_retried_not_hedged():
    """And the retry may be hedged in its turn."""
    lab = await warm(always(DOWN), always(OK), retries=1)
    assert (await lab.ask()).body == b"yes"
    assert lab.asked == [1, 1]
    assert lab.number("retries_total", reason="connect") == 1.0
    assert lab.number("hedges_total", winner="second") == 0.0


async def test_streams_are_hedged_by_the_time_to_their_first_token():
    """How long whole answers take says nothing about it: without streams before, none is hedged."""
    lab = await warm(always(OK), always(OK))
    used = []

    async def attempt(upstream, deadline):
        used.append(upstream)
        await asyncio.sleep(0.005)
        return Stream()

    stream = await lab.group.call(attempt, deadline=FAR, streams=True)
    assert len(used) == 1
    stream.end()
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


async def test_the_attempt_decides_what_is_asked():
    """The group hands it the replica's upstream and nothing else."""
    lab = Lab([OK])
    seen = []

    async def attempt(upstream, deadline):
        seen.append(upstream)
        return await ask(upstream, deadline)

    await lab.group.call(attempt, deadline=FAR, streams=False)
    assert seen == lab.upstreams

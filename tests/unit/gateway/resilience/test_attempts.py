"""Attempts: turns, replicas, deadlines and hedges together."""

from __future__ import annotations

import asyncio

import pytest

from adapters.upstreams.replay import Scripted
from domain.errors import UpstreamError
from domain.settings import BreakerSettings
from tests.unit.gateway.resilience.fakes import DOWN, FAR, OK, Answer, Lab, Stream, always, ask, settle, task


async def test_a_retry_prefers_a_busier_replica_to_the_one_that_failed():
    """Least outstanding is the second rule."""
    lab = Lab(always(DOWN), always(Scripted(gate=(gate := asyncio.Event()), chunks=(b"yes",))), retries=1)
    lab.group._replicas[1].enter()
    call = task(lab.ask())
    gate.set()
    assert (await call).body == b"yes"
    assert lab.asked == [1, 1]


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


async def test_the_attempt_decides_what_is_asked():
    """The group hands it the replica's upstream and nothing else."""
    lab = Lab([OK])
    seen = []

    async def attempt(upstream, deadline):
        seen.append(upstream)
        return await ask(upstream, deadline)

    await lab.group.call(attempt, deadline=FAR, streams=False)
    assert seen == lab.upstreams

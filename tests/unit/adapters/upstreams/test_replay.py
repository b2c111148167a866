from __future__ import annotations

import asyncio

import pytest

from adapters.upstreams.replay import ReplayUpstream, Request, Scripted
from domain.errors import UpstreamError, UpstreamFailure

BROKEN = UpstreamError(UpstreamFailure.DISCONNECT, "upstream x closed the connection")


async def test_answers_come_in_the_order_of_the_script() -> None:
    """A list is played from its beginning, one answer a request."""
    upstream = ReplayUpstream([Scripted(chunks=(b"a", b"b")), Scripted(status=500, chunks=(b"c",))])
    first, second = await upstream.complete("/x", b"1"), await upstream.complete("/x", b"2")
    assert [(first.status, first.body), (second.status, second.body)] == [(200, b"ab"), (500, b"c")]


async def test_a_script_may_look_at_the_request() -> None:
    """A callable decides by what was asked."""
    upstream = ReplayUpstream(lambda request: Scripted(chunks=(request.body.upper(),)))
    assert (await upstream.complete("/x", b"abc")).body == b"ABC"


async def test_requests_are_kept() -> None:
    """A test can look at path, body and headers of all that was asked."""
    upstream = ReplayUpstream(lambda _: Scripted())
    await upstream.complete("/a", b"1", headers=[(b"x", b"y")])
    await upstream.stream("/b", b"2")
    assert upstream.requests == [Request("/a", b"1", [(b"x", b"y")]), Request("/b", b"2", ())]


async def test_a_script_that_has_ended_is_an_upstream_error() -> None:
    """One request too many fails as a broken upstream does, and says why."""
    upstream = ReplayUpstream([])
    with pytest.raises(UpstreamError, match="no answer left for a request to /x"):
        await upstream.complete("/x", b"")


async def test_an_error_comes_before_the_head_or_after_the_pieces() -> None:
    """`late` moves the failure from the call into the iteration."""
    upstream = ReplayUpstream([Scripted(error=BROKEN), Scripted(chunks=(b"a", b""), error=BROKEN, late=True)])
    with pytest.raises(UpstreamError):
        await upstream.stream("/x", b"")
    stream = await upstream.stream("/x", b"")
    pieces = aiter(stream)
    assert await anext(pieces) == b"a"
    with pytest.raises(UpstreamError):
        await anext(pieces)


async def test_a_gate_holds_the_answer_back() -> None:
    """The answer waits until the test opens the gate; a caller that leaves before is counted."""
    gate = asyncio.Event()
    upstream = ReplayUpstream(lambda _: Scripted(chunks=(b"a",), gate=gate))
    waiting, leaving = (asyncio.ensure_future(upstream.complete("/x", b"")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    gate.set()
    assert (await waiting).body == b"a"
    assert upstream.cancelled == 1


async def test_streams_that_are_left_are_counted_once() -> None:
    """Closing before the end counts; closing after it, or twice, does not."""
    upstream = ReplayUpstream(lambda _: Scripted(chunks=(b"a", b"b")))
    read, left = await upstream.stream("/x", b""), await upstream.stream("/x", b"")
    assert [piece async for piece in read] == [b"a", b"b"]
    await anext(aiter(left))
    for stream in (read, left, left):
        await stream.aclose()
    assert upstream.cancelled == 1


async def test_deadlines_are_kept_and_honoured() -> None:
    """Who waits beyond a deadline, of the call or a later one, gets a timeout; the deadlines are on record."""
    loop = asyncio.get_running_loop()
    never = asyncio.Event()
    upstream = ReplayUpstream([Scripted(gate=never), Scripted(chunks=(b"a",), hold=never)])
    soon = loop.time() + 0.01
    with pytest.raises(UpstreamError, match=r"within 0\.\d+ s") as caught:
        await upstream.complete("/x", b"", deadline=soon)
    assert caught.value.kind is UpstreamFailure.TIMEOUT
    stream = await upstream.stream("/x", b"", deadline=loop.time() + 60)
    pieces = aiter(stream)
    assert await anext(pieces) == b"a"
    stream.due(loop.time() + 0.01)
    with pytest.raises(UpstreamError) as caught:
        await anext(pieces)
    assert caught.value.kind is UpstreamFailure.TIMEOUT
    await stream.aclose()
    assert upstream.requests[0].deadline == soon
    assert (len(upstream.dues), upstream.cancelled) == (1, 2)


async def test_a_stream_is_held_until_the_test_lets_it_go() -> None:
    """`hold` is a stall after the pieces: the stream ends, or fails, when it opens."""
    hold = asyncio.Event()
    upstream = ReplayUpstream(lambda _: Scripted(chunks=(b"a",), hold=hold, error=BROKEN, late=True))
    pieces = aiter(await upstream.stream("/x", b""))
    assert await anext(pieces) == b"a"
    waiting = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)
    assert not waiting.done()
    hold.set()
    with pytest.raises(UpstreamError, match="closed the connection"):
        await waiting

"""What every `domain.ports.Upstream` must keep to, whatever stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest

from adapters.upstreams.replay import Request, Scripted
from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Upstream

PATH = "/chat/completions"
BROKEN = UpstreamError(UpstreamFailure.DISCONNECT, "the server broke off")


class Stage(Protocol):
    """An upstream whose model server plays a script."""

    @property
    def upstream(self) -> Upstream:
        """What is checked."""
        ...

    @property
    def requests(self) -> Sequence[Request]:
        """What the server was asked; header names in lower case."""
        ...

    async def left(self, count: int) -> None:
        """Until the server has noticed that so many calls were left before their end."""
        ...


Play = Callable[[Callable[[Request], Scripted]], AbstractAsyncContextManager[Stage]]


async def whole_answers_of_any_status(play: Play) -> None:
    """`complete` returns status, headers and body of an error answer as of a good one."""
    async with play(lambda asked: Scripted(status=int(asked.body), chunks=(b'{"a":', b" 1}"))) as stage:
        for status in (200, 400, 404, 429, 500, 503):
            reply = await stage.upstream.complete(PATH, str(status).encode())
            assert (reply.status, reply.body) == (status, b'{"a": 1}')
            assert (b"content-type", b"application/json") in list(reply.headers)


async def streams_in_pieces(play: Play) -> None:
    """`stream` returns the head, then pieces that are never empty and make up the body."""
    async with play(lambda _: Scripted(status=207, chunks=(b"data: 1\n\n", b"", b"data: 2\n\n"))) as stage:
        stream = await stage.upstream.stream(PATH, b"{}")
        assert stream.status == 207
        assert (b"content-type", b"application/json") in list(stream.headers)
        pieces = [piece async for piece in stream]
        await stream.aclose()
        assert all(pieces)
        assert b"".join(pieces) == b"data: 1\n\ndata: 2\n\n"


async def empty_bodies(play: Play) -> None:
    """An answer without a body is an answer, whole or streamed."""
    async with play(lambda _: Scripted(status=200)) as stage:
        assert (await stage.upstream.complete(PATH, b"{}")).body == b""
        stream = await stage.upstream.stream(PATH, b"{}")
        assert [piece async for piece in stream] == []
        await stream.aclose()


async def requests_arrive_as_asked(play: Play) -> None:
    """Path, body and the caller's headers reach the server untouched."""
    async with play(lambda _: Scripted()) as stage:
        await stage.upstream.complete(PATH, b'{"a": "\xc3\xa9"}', headers=[(b"traceparent", b"00-1")])
        (request,) = stage.requests
        assert (request.path, request.body) == (PATH, b'{"a": "\xc3\xa9"}')
        assert (b"traceparent", b"00-1") in list(request.headers)


async def calls_at_once_do_not_mix(play: Play) -> None:
    """Each of many concurrent callers gets the answer to its own request."""
    async with play(lambda asked: Scripted(chunks=(asked.body, asked.body))) as stage:
        bodies = [str(number).encode() * 100 for number in range(20)]
        replies = await asyncio.gather(*(stage.upstream.complete(PATH, body) for body in bodies))
        assert [reply.body for reply in replies] == [body * 2 for body in bodies]


async def no_head_is_an_error(play: Play) -> None:
    """A server that breaks off before its head fails both kinds of call, and the next call works."""
    async with play(lambda asked: Scripted(error=BROKEN if asked.body == b"break" else None)) as stage:
        for call in (stage.upstream.complete, stage.upstream.stream):
            with pytest.raises(UpstreamError):
                await call(PATH, b"break")
        assert (await stage.upstream.complete(PATH, b"{}")).status == 200


async def a_cut_body_is_an_error(play: Play) -> None:
    """A body that breaks off is never a short success: an error of `complete`, an error while iterating."""
    async with play(lambda _: Scripted(chunks=(b"one",), error=BROKEN, late=True)) as stage:
        with pytest.raises(UpstreamError):
            await stage.upstream.complete(PATH, b"{}")
        stream = await stage.upstream.stream(PATH, b"{}")
        pieces = aiter(stream)
        assert await anext(pieces) == b"one"
        with pytest.raises(UpstreamError):
            await anext(pieces)
        await stream.aclose()


async def a_cancelled_call_stops_the_server(play: Play) -> None:
    """Who stops waiting for an answer, whole or streamed, makes the server stop."""
    gate = asyncio.Event()
    async with play(lambda _: Scripted(gate=gate)) as stage:
        for number, call in enumerate((stage.upstream.complete, stage.upstream.stream), start=1):
            waiting = asyncio.ensure_future(call(PATH, b"{}"))
            async with asyncio.timeout(5):
                while len(stage.requests) < number:
                    await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await stage.left(number)


async def an_unfinished_stream_stops_the_server(play: Play) -> None:
    """Closing a stream before its end is noticed; closing twice is fine, and iteration then ends."""
    async with play(lambda _: Scripted(chunks=(b"x" * 65536,) * 400)) as stage:
        stream = await stage.upstream.stream(PATH, b"{}")
        pieces = aiter(stream)
        assert await anext(pieces)
        await stream.aclose()
        await stream.aclose()
        assert [piece async for piece in pieces] == []
        await stage.left(1)


async def a_deadline_ends_a_call(play: Play) -> None:
    """A call without an answer at its deadline is a timeout, and the server is left; so is one whose time was up."""
    loop = asyncio.get_running_loop()
    async with play(lambda asked: Scripted(gate=asyncio.Event() if asked.body == b"wait" else None)) as stage:
        for number, call in enumerate((stage.upstream.complete, stage.upstream.stream), start=1):
            if number == 2:
                await stage.upstream.complete(PATH, b"{}")  # leaves a connection that is used again
            with pytest.raises(UpstreamError) as caught:
                async with asyncio.timeout(2):  # well before silence would end it
                    await call(PATH, b"wait", deadline=loop.time() + 0.02)
            assert caught.value.kind is UpstreamFailure.TIMEOUT
            await stage.left(number)


async def a_deadline_holds_for_what_follows_the_head(play: Play) -> None:
    """A stream that stalls ends with a timeout at the deadline it was opened with, or at the one it got later."""
    loop = asyncio.get_running_loop()
    async with play(lambda _: Scripted(chunks=(b"one",), hold=asyncio.Event())) as stage:
        for number, moved in enumerate((False, True), start=1):
            stream = await stage.upstream.stream(PATH, b"{}", deadline=loop.time() + (60 if moved else 0.05))
            pieces = aiter(stream)
            assert await anext(pieces) == b"one"
            if moved:
                stream.due(loop.time() + 0.02)
            with pytest.raises(UpstreamError) as caught:
                async with asyncio.timeout(2):
                    await anext(pieces)
            assert caught.value.kind is UpstreamFailure.TIMEOUT
            await stream.aclose()
            await stage.left(number)


async def a_deadline_that_is_kept_changes_nothing(play: Play) -> None:
    """Answers that come in time are whole, and a stream may be given more time or all of it."""
    loop = asyncio.get_running_loop()
    async with play(lambda _: Scripted(chunks=(b"one", b"two"))) as stage:
        assert (await stage.upstream.complete(PATH, b"{}", deadline=loop.time() + 60)).body == b"onetwo"
        for later in (None, loop.time() + 120):
            stream = await stage.upstream.stream(PATH, b"{}", deadline=loop.time() + 60)
            stream.due(later)
            assert b"".join([piece async for piece in stream]) == b"onetwo"
            await stream.aclose()
            stream.due(loop.time())


CHECKS = (
    whole_answers_of_any_status,
    streams_in_pieces,
    empty_bodies,
    requests_arrive_as_asked,
    calls_at_once_do_not_mix,
    no_head_is_an_error,
    a_cut_body_is_an_error,
    a_cancelled_call_stops_the_server,
    an_unfinished_stream_stops_the_server,
    a_deadline_ends_a_call,
    a_deadline_holds_for_what_follows_the_head,
    a_deadline_that_is_kept_changes_nothing,
)

"""Streamed answers: the same events for any cutting of the bytes, and one way to end."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.upstreams.replay import ReplayUpstream, Scripted
from domain.errors import UpstreamError, UpstreamFailure
from gateway import attempt
from gateway.attempt import EventStream, Received, Request
from gateway.dialects.chat.dialect import ChatDialect

EVENTS = ((b"content-type", b"text/event-stream; charset=utf-8"),)
FOREVER = math.inf
REQUEST = Request(ChatDialect(), b"{}", (), FOREVER)
CUT = UpstreamError(UpstreamFailure.DISCONNECT, "cut")


def _event(**delta):
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode()


PREAMBLE, TEXT = _event(role="assistant", content=""), _event(content="hi")
DONE = b"data: [DONE]\n\n"


def _upstream(*chunks, status=200, headers=EVENTS, error=None):
    return ReplayUpstream([Scripted(status, headers, chunks, error, late=error is not None)])


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ((TEXT,), None),
        ((TEXT,), CUT),
        ((TEXT, b"data: {\n\n"), None),
        ((TEXT, b"data: [DONE]\n"), None),
        ((TEXT, b"data: " + b"a" * 2_000_000), None),
    ],
)
async def test_a_failure_after_the_first_word_breaks_the_stream(chunks, error):
    """A live stream raises where it breaks, after what came before; a held one gives nothing."""
    stream = await attempt.open_stream(REQUEST, _upstream(*chunks, error=error), FOREVER)
    assert isinstance(stream, EventStream)
    events = aiter(stream)
    assert [b"data: %b\n\n" % event for event in await anext(events)] == [TEXT]
    with pytest.raises(UpstreamError):
        await anext(events)
    await stream.aclose()
    with pytest.raises(UpstreamError):
        await attempt.ask_events(REQUEST, _upstream(*chunks, error=error), FOREVER)


async def test_a_live_stream_gives_all_events_in_order():
    """The preamble that was held comes first, nothing is lost or doubled, and the answer is put together."""
    stream = await attempt.open_stream(REQUEST, _upstream(PREAMBLE + TEXT[:9], TEXT[9:] + TEXT, DONE), FOREVER)
    assert [b"data: %b\n\n" % event async for events in stream for event in events] == [PREAMBLE, TEXT, TEXT]
    assert stream.answer.choices[0].content == "hihi"
    await stream.aclose()


USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
BROKEN = b"data: {\n\n"


@given(
    st.sampled_from(
        [(PREAMBLE, TEXT, TEXT, USAGE, DONE), (TEXT, TEXT), (TEXT, BROKEN, TEXT, DONE), (TEXT, DONE, TEXT)]
    ),
    st.lists(st.integers(1, 200), max_size=30),
    st.booleans(),
)
async def test_any_cutting_of_the_bytes_gives_the_same_events(sent, cuts, drop_usage):
    """Events, answer and fault depend on the bytes, not on the pieces they came in."""

    async def read(pieces):
        request = Request(ChatDialect(), b"{}", (), FOREVER, drop_usage=drop_usage)
        stream = await attempt.open_stream(request, _upstream(*pieces), FOREVER)
        seen, fault = [], None
        try:
            async for events in stream:
                assert events
                seen += events
        except UpstreamError as error:
            fault = error.kind
        await stream.aclose()
        return seen, fault, stream.answer

    wire, pieces = b"".join(sent), []
    for size in cuts:
        pieces.append(wire[:size])
        wire = wire[size:]
    assert await read([piece for piece in (*pieces, wire) if piece]) == await read([b"".join(sent)])


async def test_the_usage_event_can_be_kept_from_the_client():
    """The gateway's own wish for the usage of a stream adds no event that the client did not ask for."""
    request = Request(ChatDialect(), b"{}", (), FOREVER, drop_usage=True)
    received = await attempt.ask_events(request, _upstream(TEXT, USAGE, DONE), FOREVER)
    assert len(received.events) == 1
    assert received.answer.usage.prompt_tokens == 1


async def test_a_closed_stream_says_how_it_ended():
    """Whoever waits for the end hears once whether the model sent it whole."""
    for chunks, well in (((TEXT, DONE), True), ((TEXT,), False)):
        heard = []
        stream = await attempt.open_stream(REQUEST, _upstream(*chunks), FOREVER)
        stream.when_closed(heard.append)
        with contextlib.suppress(UpstreamError):
            async for _ in stream:
                pass
        await stream.aclose()
        await stream.aclose()
        assert heard == [well]
    Received(200, (), None).when_closed(heard.append)
    assert heard == [False, True]

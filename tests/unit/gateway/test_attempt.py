"""One call of one model: what counts as an answer and what as a failure."""

from __future__ import annotations

import json
import math

import pytest

from adapters.upstreams.replay import ReplayUpstream, Scripted
from domain.errors import UpstreamError, UpstreamFailure
from gateway import attempt
from gateway.attempt import Received, Request
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
    ("status", "body", "kind"),
    [
        (200, b"<html>", UpstreamFailure.PROTOCOL),
        (200, b"", UpstreamFailure.PROTOCOL),
        (200, b"{}", UpstreamFailure.PROTOCOL),
        (200, b'{"choices":[]}', UpstreamFailure.PROTOCOL),
        (200, b'{"choices":' + b"[" * 9999, UpstreamFailure.PROTOCOL),
        (204, b"", UpstreamFailure.PROTOCOL),
        (302, b"", UpstreamFailure.PROTOCOL),
    ],
)
async def test_what_is_no_whole_answer(status, body, kind):
    """A 200 must be a chat completion with a choice; a redirect never reaches the client."""
    with pytest.raises(UpstreamError) as caught:
        await attempt.ask(REQUEST, _upstream(body, status=status), FOREVER)
    assert caught.value.kind is kind


@pytest.mark.parametrize("call", [attempt.ask, attempt.ask_events, attempt.open_stream])
async def test_an_error_status_is_an_answer_without_a_subject(call):
    """The upstream's own error comes with status, headers and body, streamed or not."""
    headers = ((b"retry-after", b"7"),)
    received = await call(REQUEST, _upstream(b'{"err', b'or":{}}', status=429, headers=headers), FOREVER)
    assert received == Received(429, headers, None, b'{"error":{}}')


async def test_the_request_goes_out_as_given():
    """Path, body and headers reach the upstream."""
    upstream = _upstream(TEXT, DONE)
    request = Request(ChatDialect(), b'{"a":1}', ((b"traceparent", b"x"),), FOREVER)
    await attempt.ask_events(request, upstream, FOREVER)
    (request,) = upstream.requests
    assert (request.path, request.body, request.headers) == (
        "/chat/completions",
        b'{"a":1}',
        ((b"traceparent", b"x"),),
    )


@pytest.mark.parametrize(
    ("chunks", "error", "kind"),
    [
        ((), None, UpstreamFailure.DISCONNECT),
        ((PREAMBLE,), None, UpstreamFailure.DISCONNECT),
        ((PREAMBLE,), CUT, UpstreamFailure.DISCONNECT),
        ((PREAMBLE, DONE), None, UpstreamFailure.PROTOCOL),
        ((DONE,), None, UpstreamFailure.PROTOCOL),
        ((b"data: <html>\n\n",), None, UpstreamFailure.PROTOCOL),
        ((b'data: {"error":{"message":"x"}}\n\n',), None, UpstreamFailure.STATUS),
        ((b"data: " + b"a" * 2_000_000,), None, UpstreamFailure.PROTOCOL),
    ],
)
async def test_a_failure_before_the_first_word_can_go_elsewhere(chunks, error, kind):
    """Whatever ends a stream before the model has said something is raised before anything is passed on."""
    for call in (attempt.open_stream, attempt.ask_events):
        with pytest.raises(UpstreamError) as caught:
            await call(REQUEST, _upstream(*chunks, error=error), FOREVER)
        assert caught.value.kind is kind


async def test_a_held_stream_is_whole():
    """A held answer has every event but [DONE], and its texts."""
    received = await attempt.ask_events(REQUEST, _upstream(PREAMBLE, TEXT, DONE), FOREVER)
    assert received.answer.choices[0].content == "hi"
    assert len(received.events) == 2


async def test_a_held_stream_is_bounded():
    """An answer that is too long to wait for its verdict is a failure, not a full memory."""
    big = _event(content="a" * 500_000)
    with pytest.raises(UpstreamError, match="longer than"):
        await attempt.ask_events(REQUEST, _upstream(*[big] * 20, DONE), FOREVER)


async def test_a_body_instead_of_a_stream_is_a_failure():
    """A server that ignores `stream: true` is not passed off as one that streams."""
    with pytest.raises(UpstreamError, match="with a stream"):
        await attempt.open_stream(REQUEST, _upstream(b"{}", headers=()), FOREVER)


async def test_connections_are_given_back():
    """Every stream is closed, whether it failed, was refused or was read."""
    closed = []

    class Counted(ReplayUpstream):
        async def stream(self, path, body, *, headers=(), deadline=None):
            reply = await super().stream(path, body, headers=headers, deadline=deadline)
            reply.aclose = lambda: _closed(closed)
            return reply

    scripts = [
        Scripted(chunks=(b"{}",), status=500),
        Scripted(chunks=(), headers=EVENTS),
        Scripted(chunks=(), headers=()),
        Scripted(chunks=(TEXT, DONE), headers=EVENTS),
        Scripted(chunks=(TEXT,), headers=EVENTS),
    ]
    for script in scripts:
        try:
            await attempt.ask_events(REQUEST, Counted([script]), FOREVER)
        except UpstreamError:
            continue
    assert len(closed) == len(scripts)


async def _closed(closed):
    closed.append(1)

"""Replies: held streams, live streams, and company for a client that waits."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from prometheus_client import REGISTRY

from adapters.upstreams.replay import Scripted
from domain.errors import UpstreamError, UpstreamFailure
from gateway import reply as replies

CUT = UpstreamError(UpstreamFailure.DISCONNECT, "cut at 10.0.0.1")


def _count(outcome):
    labels = {"task": "intent", "arm": "champion", "outcome": outcome}
    return REGISTRY.get_sample_value("preceptor_requests_total", labels) or 0


async def test_a_held_stream_is_the_upstreams_own(kit):
    """With checks on the output, the events arrive as the upstream sent them, usage and [DONE] included."""
    script = kit.stream(("ref", "und"), usage=True)
    async with kit.Gateway(student=[script], policies=kit.checks(output=("label",))) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert reply.body == b"".join(script.chunks)
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert exchange.stream
    assert exchange.usage.prompt_tokens == 1000


async def test_a_live_stream_comes_in_pieces(kit):
    """Without checks on the output, each event goes out as it comes; the role waits for the first word."""
    script = kit.stream(("ref", "und"), usage=True)
    async with kit.Gateway(student=[script], policies=kit.checks()) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert reply.body == b"".join(script.chunks)
    assert len(reply.pieces) == len(script.chunks) - 1
    assert (exchange.output_text, exchange.usable, exchange.usage.completion_tokens) == ("refund", True, 10)


async def test_a_live_stream_that_breaks_ends_with_an_error_event(kit):
    """After the first word there is no other model: an error in the stream, no [DONE], no pair, and it is counted."""
    before = _count("cut")
    script = kit.stream(("ref", "und"), done=False, error=CUT)
    async with kit.Gateway(student=[script], policies=kit.checks()) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert reply.status == 200
    assert json.loads(reply.events[-1])["error"]["code"] == "upstream_error"
    assert "[DONE]" not in reply.events
    assert b"10.0.0.1" not in reply.body
    assert b'finish_reason":"stop' not in reply.body.replace(b" ", b"")
    assert not exchange.usable
    assert _count("cut") == before + 1


@pytest.mark.parametrize("held", [False, True])
async def test_a_stream_that_breaks_before_a_word_falls_back(kit, held):
    """The client never notices that the student only announced itself."""
    scripts = {"student": [kit.stream((), done=False, error=CUT)], "teacher": [kit.stream(("cancel",))]}
    policies = kit.checks(output=("label",) if held else ())
    async with kit.Gateway(**scripts, policies=policies) as gateway:
        reply = await gateway.chat(stream=True)
    assert reply.streamed == "cancel"
    assert reply.headers["x-preceptor-arm"] == "teacher"


@pytest.mark.parametrize(
    "script",
    [
        Scripted(headers=((b"content-type", b"text/event-stream"),), chunks=(b"data: {\n\n",)),
        Scripted(headers=((b"content-type", b"text/event-stream"),)),
    ],
)
async def test_held_streams_fall_back_whatever_breaks(kit, script):
    """While nothing has been released, a malformed or empty stream costs the client nothing."""
    scripts = {"student": [script], "teacher": [kit.stream(("cancel",))]}
    async with kit.Gateway(**scripts, policies=kit.checks(output=("label",))) as gateway:
        assert (await gateway.chat(stream=True)).streamed == "cancel"


async def _patient(kit, monkeypatch, answer, **scripts):
    """A held stream whose student is silent until the client has had two keep-alives."""
    monkeypatch.setattr(replies.Reply.__init__, "__kwdefaults__", {"keep_alive_s": 0.0})
    gate = asyncio.Event()
    async with kit.Gateway(
        student=[msgspec.structs.replace(answer, gate=gate)], policies=kit.checks(output=("label",)), **scripts
    ) as gateway:
        call = asyncio.get_running_loop().create_task(gateway.chat(stream=True))
        for _ in range(50):
            await asyncio.sleep(0)
        gate.set()
        return await call


async def test_a_waiting_client_gets_company(kit, monkeypatch):
    """Headers and comments go out while the answer is held; the events follow, and the SDK sees only those."""
    reply = await _patient(kit, monkeypatch, kit.stream(("refund",)))
    assert reply.pieces[0] == reply.pieces[1] == b": keep-alive\n\n"
    assert reply.streamed == "refund"
    assert reply.events[-1] == "[DONE]"
    assert "x-preceptor-arm" not in reply.headers
    assert reply.headers["x-preceptor-task"] == "intent"


async def test_a_failure_after_company_is_an_error_event(kit, monkeypatch):
    """When the status has left already, the failure of all models is told in the stream, without [DONE]."""
    scripts = {"teacher": [kit.failure(503)]}
    reply = await _patient(kit, monkeypatch, kit.failure(500), **scripts)
    assert reply.status == 200
    assert [json.loads(event)["error"]["code"] for event in reply.events] == ["c"]


async def test_a_quick_answer_needs_no_company(kit, monkeypatch):
    """The usual stream names its arm and has no comment in it, nor one after it."""
    monkeypatch.setattr(replies.Reply.__init__, "__kwdefaults__", {"keep_alive_s": 0.0})
    async with kit.Gateway(student=[kit.stream()], policies=kit.checks(output=("label",))) as gateway:
        reply = await gateway.chat(stream=True)
        for _ in range(5):
            await asyncio.sleep(0)
    assert b"keep-alive" not in reply.body
    assert reply.headers["x-preceptor-arm"] == "champion"


@pytest.mark.parametrize("held", [False, True])
async def test_what_an_upstream_says_went_wrong_is_kept(kit, held):
    """An error object in the stream reaches the client with its code and message; nothing else comes after it."""
    told = b'{"error":{"message":"too long","type":"server_error","code":"context","param":null}}'
    begun = kit.stream(("ref",), done=False)
    script = msgspec.structs.replace(begun, chunks=(*begun.chunks, b"data: %b\n\n" % told, b"data: [DONE]\n\n"))
    policies = kit.checks(output=("label",) if held else ())
    async with kit.Gateway(student=[script], policies=policies, fallback="block") as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert not exchange.usable
    if held:
        assert (reply.status, reply.body) == (502, told)
    else:
        assert reply.events[-1].encode() == told
        assert "[DONE]" not in reply.events

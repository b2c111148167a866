"""The pipeline: who answers, what is withheld, and what is told of it, streamed and not alike."""

from __future__ import annotations

import json

import pytest
from prometheus_client import REGISTRY

from adapters.upstreams.replay import Scripted
from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Arm, Deployment, Verdict
from domain.settings import CheckSettings

LABEL = ("label",)
EMAIL = "write to jane.doe@gmail.com please"
REDACT = (CheckSettings(name="pii", verdict=Verdict.REDACT),)
BLOCK = (CheckSettings(name="length", verdict=Verdict.BLOCK, options={"max_chars": 10}),)
PROMOTED = Deployment(task="intent", model="small-v2", reference_id="", at=1.0, by="me", reason="")
TOO_LONG = "far too long for this task"


def _broken(kind):
    return Scripted(error=UpstreamError(kind, f"upstream at 10.0.0.1 {kind}"))


def _script(kit, stream, text):
    return kit.stream((text[:3], text[3:])) if stream else kit.answer(text)


def _shown(reply, stream):
    """The text that the client sees."""
    return reply.streamed if stream else reply.content


both = pytest.mark.parametrize("stream", [False, True])


@both
async def test_the_student_answers(kit, stream):
    """A good answer of the champion goes to the client unchanged, and the teacher hears nothing."""
    async with kit.Gateway(student=[_script(kit, stream, "refund")], policies=kit.checks(output=LABEL)) as gateway:
        reply = await gateway.chat(stream=stream)
    assert _shown(reply, stream) == "refund"
    assert (reply.headers["x-preceptor-arm"], reply.headers["x-preceptor-verdict"]) == ("champion", "allow")
    assert "x-preceptor-reason" not in reply.headers
    assert json.loads(gateway.student.requests[0].body)["model"] == "small-v1"
    assert not gateway.teacher.requests


@both
async def test_a_promoted_student_answers(kit, stream):
    """The newest deployment, not the configured student, is asked."""
    gateway = kit.Gateway(student=[_script(kit, stream, "refund")], policies=kit.checks(output=LABEL))
    gateway.store.deployed["intent"] = PROMOTED
    async with gateway:
        await gateway.chat(stream=stream)
    assert json.loads(gateway.student.requests[0].body)["model"] == "small-v2"


@both
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (_broken(UpstreamFailure.CONNECT), "upstream:connect"),
        (_broken(UpstreamFailure.TIMEOUT), "upstream:timeout"),
        (_broken(UpstreamFailure.DISCONNECT), "upstream:disconnect"),
        (Scripted(chunks=(b"<html>",)), "upstream:protocol"),
        *((Scripted(status=status, chunks=(b"{}",)), "upstream:status") for status in (401, 403, 404, 429, 500, 503)),
    ],
)
async def test_a_failed_student_falls_back(kit, stream, failure, reason):
    """Whatever is the operator's trouble or the upstream's goes to the teacher, with the same body."""
    read = REGISTRY.get_sample_value
    labels = {"task": "intent", "reason": reason.removeprefix("upstream:")}
    before = read("preceptor_fallbacks_total", labels) or 0
    scripts = {"student": [failure], "teacher": [_script(kit, stream, "cancel")]}
    async with kit.Gateway(**scripts, policies=kit.checks(output=LABEL)) as gateway:
        reply = await gateway.chat(stream=stream, temperature=0.5)
        (exchange,) = await gateway.journalled()
    assert _shown(reply, stream) == "cancel"
    assert (reply.headers["x-preceptor-arm"], reply.headers["x-preceptor-reason"]) == ("teacher", reason)
    asked = json.loads(gateway.teacher.requests[0].body)
    assert asked == {**json.loads(gateway.student.requests[0].body), "model": "big"}
    assert read("preceptor_fallbacks_total", labels) == before + 1
    assert (exchange.arm, exchange.model, exchange.usable) == (Arm.TEACHER, "big", False)


@both
async def test_an_answer_that_fails_policy_falls_back(kit, stream):
    """The student's word outside of the taxonomy is replaced by the teacher's, and both are in the decisions."""
    scripts = {"student": [_script(kit, stream, "banana")], "teacher": [_script(kit, stream, "cancel")]}
    async with kit.Gateway(**scripts, policies=kit.checks(output=LABEL)) as gateway:
        reply = await gateway.chat(stream=stream)
        (exchange,) = await gateway.journalled()
    assert _shown(reply, stream) == "cancel"
    assert b"banana" not in reply.body
    assert (reply.headers["x-preceptor-arm"], reply.headers["x-preceptor-verdict"]) == ("teacher", "fallback")
    assert reply.headers["x-preceptor-reason"] == "label:not_in_taxonomy"
    assert [decision.verdict for decision in exchange.decisions] == [Verdict.FALLBACK]


@both
@pytest.mark.parametrize("fallback", ["teacher", "block"])
async def test_an_answer_nobody_can_replace_is_withheld(kit, stream, fallback):
    """Where the last model fails the policy, the client gets a 200 that says so and none of the text."""
    scripts = {"student": [_script(kit, stream, "banana")], "teacher": [_script(kit, stream, "apple")]}
    async with kit.Gateway(**scripts, policies=kit.checks(output=LABEL), fallback=fallback) as gateway:
        reply = await gateway.chat(stream=stream)
        (exchange,) = await gateway.journalled()
    assert reply.status == 200
    assert b"banana" not in reply.body
    assert b"apple" not in reply.body
    assert b"content_filter" in reply.body
    assert reply.headers["x-preceptor-verdict"] == "block"
    assert reply.headers["x-preceptor-arm"] == ("teacher" if fallback == "teacher" else "champion")
    assert (exchange.usable, exchange.output_text, exchange.finish_reason) == (False, "", "content_filter")


@both
async def test_a_blocked_answer_is_not_asked_of_the_teacher(kit, stream):
    """Block is final: 200, content_filter, no text, no second model."""
    async with kit.Gateway(student=[_script(kit, stream, TOO_LONG)], policies=kit.checks(output=BLOCK)) as gateway:
        reply = await gateway.chat(stream=stream, stream_options={"include_usage": True} if stream else None)
    assert TOO_LONG.encode() not in reply.body
    assert b'"content_filter"' in reply.body
    assert not gateway.teacher.requests
    if stream:
        assert reply.events[-1] == "[DONE]"
        assert json.loads(reply.events[-2])["choices"] == []


@both
async def test_a_redacted_answer_keeps_everything_else(kit, stream):
    """Only the marked spans change; the exchange keeps what the client received and is no pair."""
    async with kit.Gateway(student=[_script(kit, stream, EMAIL)], policies=kit.checks(output=REDACT)) as gateway:
        reply = await gateway.chat(stream=stream)
        (exchange,) = await gateway.journalled()
    assert _shown(reply, stream) == "write to [email] please"
    assert reply.headers["x-preceptor-verdict"] == "redact"
    assert (exchange.output_text, exchange.usable) == ("write to [email] please", False)
    if not stream:
        assert b'"vendor":12345678901234567890123' in reply.body


@both
async def test_a_flagged_exchange_is_told_and_stays_usable(kit, stream):
    """A flag changes nothing but what is told."""
    flag = (CheckSettings(name="pii", verdict=Verdict.FLAG),)
    scripts = {"student": [_script(kit, stream, "refund")]}
    async with kit.Gateway(**scripts, policies=kit.checks(input=flag, output=LABEL)) as gateway:
        reply = await gateway.chat(EMAIL, stream=stream)
        (exchange,) = await gateway.journalled()
    assert (reply.headers["x-preceptor-verdict"], reply.headers["x-preceptor-reason"]) == ("flag", "pii:email")
    assert exchange.usable


@both
async def test_a_blocked_input_is_400_and_nobody_is_asked(kit, stream):
    """The SDK raises BadRequestError; no model sees the text, and the journal knows why."""
    async with kit.Gateway(policies=kit.checks(input=BLOCK)) as gateway:
        reply = await gateway.chat(TOO_LONG, stream=stream)
        (exchange,) = await gateway.journalled()
    assert (reply.status, reply.json["error"]["code"]) == (400, "content_policy_violation")
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert (reply.headers["x-preceptor-verdict"], reply.headers["x-preceptor-reason"]) == ("block", "length:too_long")
    assert not gateway.student.requests
    assert not gateway.teacher.requests
    assert (exchange.arm, exchange.model, exchange.status, exchange.usable) == (Arm.NONE, "", 400, False)
    assert [(each.check, each.verdict, each.reason) for each in exchange.decisions] == [
        ("length", Verdict.BLOCK, "too_long")
    ]
    assert (exchange.input_text, len(exchange.policy)) == (TOO_LONG, 64)


@both
async def test_an_input_for_the_teacher_goes_there_at_once(kit, stream):
    """The student is not asked what a check wants the teacher to answer."""
    fall = (CheckSettings(name="length", verdict=Verdict.FALLBACK, options={"max_chars": 10}),)
    scripts = {"teacher": [_script(kit, stream, "cancel")]}
    async with kit.Gateway(**scripts, policies=kit.checks(input=fall, output=LABEL)) as gateway:
        reply = await gateway.chat(TOO_LONG, stream=stream)
    assert (reply.headers["x-preceptor-arm"], reply.headers["x-preceptor-verdict"]) == ("teacher", "fallback")
    assert not gateway.student.requests


@both
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_an_error_of_the_client_is_passed_on(kit, stream, status):
    """What only the client can mend is told to it as the upstream said it."""
    async with kit.Gateway(student=[kit.failure(status)], policies=kit.checks(output=LABEL)) as gateway:
        reply = await gateway.chat(stream=stream)
        (exchange,) = await gateway.journalled()
    assert (reply.status, reply.json["error"]["code"]) == (status, "c")
    assert not gateway.teacher.requests
    assert (exchange.status, exchange.usable) == (status, False)


@both
@pytest.mark.parametrize(
    ("teacher", "status", "code"),
    [
        (_broken(UpstreamFailure.CONNECT), 502, "upstream_error"),
        (_broken(UpstreamFailure.TIMEOUT), 504, "upstream_error"),
        (Scripted(status=500, chunks=(b"<html>",), headers=((b"content-type", b"text/html"),)), 500, "upstream_error"),
        (Scripted(status=429, chunks=(b'{"error":{"code":"rate"}}',), headers=((b"retry-after", b"7"),)), 429, "rate"),
        (Scripted(status=503, chunks=(b"busy",), headers=((b"retry-after", b"7"),)), 503, "upstream_error"),
    ],
)
async def test_when_everybody_fails_the_teachers_failure_is_told(kit, stream, teacher, status, code):
    """Status, body and Retry-After of the last model, in OpenAI's shape, without addresses; journalled as unusable."""
    scripts = {"student": [_broken(UpstreamFailure.CONNECT)], "teacher": [teacher]}
    async with kit.Gateway(**scripts, policies=kit.checks(output=LABEL)) as gateway:
        reply = await gateway.chat(stream=stream)
        (exchange,) = await gateway.journalled()
    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert reply.headers.get("retry-after") == ("7" if status in {429, 503} else None)
    assert b"10.0.0.1" not in reply.body
    assert (exchange.status, exchange.usable, exchange.input_text) == (status, False, "where is my money")


async def test_tool_calls_are_judged_streamed_or_not(kit):
    """Coverage is the same both ways: what a tool argument says is found in a body and in a stream."""
    block = (CheckSettings(name="pii", verdict=Verdict.BLOCK),)
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": EMAIL}}]
    whole = kit.answer(None, tool_calls=calls)
    chunks = [
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": d}}]}}]}
        for d in (EMAIL[:15], EMAIL[15:])
    ]
    events = tuple(f"data: {data}\n\n".encode() for data in [*map(json.dumps, chunks), "[DONE]"])
    streamed = Scripted(chunks=events, headers=((b"content-type", b"text/event-stream"),))
    async with kit.Gateway(student=[whole, streamed], policies=kit.checks(output=block)) as gateway:
        replies = [await gateway.chat(stream=stream) for stream in (False, True)]
    for reply in replies:
        assert reply.headers["x-preceptor-verdict"] == "block"
        assert b"gmail" not in reply.body

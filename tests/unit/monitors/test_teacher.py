from __future__ import annotations

import asyncio
import json

import pytest

from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Usage
from domain.settings import ModelSettings, ShadowSettings, UpstreamSettings
from monitors.retirement import Notice
from monitors.teacher import Teacher, client
from tests.unit.adapters.authority import Authority
from tests.unit.adapters.raw_server import RawServer, always, answer
from tests.unit.monitors.conftest import completion

REQUEST = b'{"model": "intent", "stream": true, "n": 5, "temperature": 0.7, "messages": [], "unknown": {"a": 1}}'


async def failure(teacher: Teacher, request: bytes = REQUEST) -> UpstreamError:
    """The error that asking raises."""
    with pytest.raises(UpstreamError) as caught:
        await teacher.ask(request)
    await teacher.aclose()
    return caught.value


async def test_the_teacher_gets_the_clients_own_request(teacher_server):
    """Only the model is another, nothing is streamed, and only one choice is paid for."""
    teacher = teacher_server.teacher()
    reply = await teacher.ask(REQUEST)
    await teacher.aclose()
    assert (reply.text, reply.usage) == ("refund", Usage(10, 2))
    assert teacher_server.bodies == [{"model": "gold", "temperature": 0.7, "messages": [], "unknown": {"a": 1}}]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_a_refusal_is_an_error_with_its_status(teacher_server, status):
    """The body may hold anything; the message holds the status only."""
    teacher_server.script = [(status, b'{"error": {"message": "secret"}}')]
    error = await failure(teacher_server.teacher())
    assert error.kind is UpstreamFailure.STATUS
    assert str(error) == f"the teacher answered {status}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        completion(None),
        completion("ref", finish_reason="content_filter"),
        json.dumps({"choices": [{"message": {"content": 7}}]}).encode(),
        b'{"choices":' + b"[" * 5000,
    ],
)
async def test_what_cannot_be_compared_is_no_answer(teacher_server, body):
    """A 200 without a text, or with a filtered one, never counts as a disagreement of the student."""
    teacher_server.script = [(200, body)]
    assert (await failure(teacher_server.teacher())).kind is UpstreamFailure.PROTOCOL


@pytest.mark.parametrize("request_body", [b"", b"nonsense", b"[1]", b"\xff"])
async def test_a_request_that_is_no_object_is_never_sent(teacher_server, request_body):
    """Whatever the journal holds, the loop goes on."""
    error = await failure(teacher_server.teacher(), request_body)
    assert error.kind is UpstreamFailure.PROTOCOL
    assert teacher_server.bodies == []


async def test_a_teacher_that_hangs_is_given_up(teacher_server):
    """All tries together take no longer than the time limit."""
    teacher_server.hang = True
    error = await failure(teacher_server.teacher(timeout_s=0.05))
    assert (error.kind, str(error)) == (UpstreamFailure.TIMEOUT, "no answer in 0.05 s")


async def test_a_teacher_that_is_not_there_is_an_error(unused_tcp_port):
    """A closed port is named by its host, not by a traceback."""
    upstream = UpstreamSettings(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    sdk = client(upstream, timeout_s=5.0).with_options(max_retries=0)
    error = await failure(Teacher(ModelSettings(upstream="o", model="m"), sdk, shadow=ShadowSettings()))
    assert (error.kind, str(error)) == (UpstreamFailure.CONNECT, "cannot reach 127.0.0.1")


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_teacher_may_have_an_authority_of_its_own(tmp_path, trusted):
    """With `ca_file` its certificate is accepted; without, it is an error and nothing is asked."""

    async with RawServer(always(answer(completion("refund"))), tls=Authority(tmp_path).server()) as server:
        address = server.url.replace("127.0.0.1", "localhost")
        upstream = UpstreamSettings(base_url=address, ca_file="ca.pem" if trusted else "")
        sdk = client(upstream, timeout_s=5.0, root=tmp_path).with_options(max_retries=0)
        teacher = Teacher(ModelSettings(upstream="o", model="m"), sdk, shadow=ShadowSettings())
        if trusted:
            assert (await teacher.ask(REQUEST)).text == "refund"
            await teacher.aclose()
        else:
            assert (await failure(teacher)).kind is UpstreamFailure.CONNECT


async def test_no_more_than_the_configured_number_are_asked_at_once(teacher_server):
    """Ten questions to a teacher with two slots are answered two at a time."""
    teacher = teacher_server.teacher(concurrency=2)
    await asyncio.gather(*(teacher.ask(REQUEST) for _ in range(10)))
    await teacher.aclose()
    assert len(teacher_server.bodies) == 10
    assert teacher_server.most_at_once <= 2


async def test_a_reply_may_say_that_the_model_ends():
    """Its headers are read (RFC 8594, RFC 9745); what was said once holds, though later replies are silent."""
    said = "sunset: Tue, 05 Jan 2027 00:00:00 GMT\r\nconnection: close\r\n"
    replies = [
        answer(completion("refund"), headers=said),
        answer(completion("refund"), headers="connection: close\r\n"),
    ]

    async def handler(conversation):
        await conversation.request()
        await conversation.send(replies[conversation.number])

    async with RawServer(handler) as server:
        sdk = client(UpstreamSettings(base_url=server.url), timeout_s=5.0)
        teacher = Teacher(ModelSettings(upstream="o", model="m"), sdk, shadow=ShadowSettings())
        assert teacher.notice is None
        for _ in replies:
            await teacher.ask(REQUEST)
            assert teacher.notice == Notice(1_799_107_200.0, "header sunset")
        await teacher.aclose()

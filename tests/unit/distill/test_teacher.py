from __future__ import annotations

import socket

import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from distill.teacher import Teacher, TeacherAnswer, TeacherError
from domain.errors import UpstreamFailure
from domain.prices import FREE
from domain.records import Usage


def _error(status, code="", **headers):
    body = {"error": {"message": "user text that must not be shown", "type": "x", "param": None, "code": code}}
    return JSONResponse(body, status, {"retry-after-ms": "1", **headers})


@pytest.fixture
async def ask(teacher_server):
    """Asks the fake teacher one thing."""
    teacher = Teacher(base_url=teacher_server.base_url, api_key="", model="gold", prompt="Be brief.", price=FREE)
    yield teacher.ask
    await teacher.aclose()


async def test_the_teacher_is_asked_the_same_way_each_time(ask, teacher_server):
    """Temperature 0, the system prompt first, and the usage taken from the server's bill."""
    assert await ask("where is it") == TeacherAnswer(text="status", refusal="", cut=False, usage=Usage(10, 2))
    (body,) = teacher_server.bodies
    assert (body["model"], body["temperature"]) == ("gold", 0)
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "where is it"},
    ]


async def test_without_a_prompt_there_is_no_system_message(teacher_server):
    """An empty system message is not the same as none."""
    teacher = Teacher(base_url=teacher_server.base_url, api_key="k", model="gold", prompt="", price=FREE)
    await teacher.ask("x")
    await teacher.aclose()
    assert [message["role"] for message in teacher_server.bodies[0]["messages"]] == ["user"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_teacher_is_asked_again(ask, teacher_server, status):
    """Two bad moments must not cost an answer."""
    teacher_server.script = [_error(status), _error(status)]
    assert (await ask("stop and end it")).text == "cancel"
    assert teacher_server.calls.total() == 3


@pytest.mark.parametrize(
    ("status", "calls", "hopeless"), [(400, 1, False), (401, 1, True), (404, 1, True), (500, 6, False)]
)
async def test_failures_tell_whether_to_go_on(ask, teacher_server, status, calls, hopeless):
    """A wrong key fails for every input, a bad input for itself; no user text may be in the error."""
    teacher_server.script = [_error(status, "why")] * 6
    with pytest.raises(TeacherError, match=rf"gold at http://.* answered {status} \(why\)") as caught:
        await ask("x")
    assert (caught.value.kind, caught.value.hopeless) == (UpstreamFailure.STATUS, hopeless)
    assert "user text" not in str(caught.value)
    assert teacher_server.calls.total() == calls


async def test_refusals_and_cut_answers_are_told_apart(ask, teacher_server):
    """A refusal is an answer to keep, a cut one is none."""
    teacher_server.script = [
        teacher_server.completion(content=None, refusal="I will not."),
        teacher_server.completion(content="half a wor", finish_reason="length"),
    ]
    refused, cut = await ask("a"), await ask("b")
    assert (refused.text, refused.refusal, refused.cut) == ("", "I will not.", False)
    assert (cut.text, cut.cut) == ("half a wor", True)


@pytest.mark.parametrize(
    "reply",
    [
        JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}),
        PlainTextResponse("<html>", media_type="text/html"),
        PlainTextResponse("{not json", media_type="application/json"),
        JSONResponse([]),
    ],
)
async def test_what_is_no_completion_is_a_protocol_error(ask, teacher_server, reply):
    """A proxy's page or a half-written body must become one line, not an AttributeError."""
    teacher_server.script = [reply] * 6
    with pytest.raises(TeacherError) as caught:
        await ask("x")
    assert caught.value.kind is UpstreamFailure.PROTOCOL


async def test_a_dead_teacher_is_one_line(monkeypatch):
    """The address must be in the error, with what to do."""
    monkeypatch.setattr("distill.teacher._RETRIES", 0)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    teacher = Teacher(base_url=f"http://127.0.0.1:{port}/v1", api_key="", model="gold", prompt="", price=FREE)
    with pytest.raises(TeacherError, match=rf"{port}/v1 cannot be reached; start it or correct base_url") as caught:
        await teacher.ask("x")
    await teacher.aclose()
    assert (caught.value.kind, caught.value.hopeless) == (UpstreamFailure.CONNECT, True)

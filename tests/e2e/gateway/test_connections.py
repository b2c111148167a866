"""Raw bytes, and clients that leave."""

from __future__ import annotations

import asyncio

import httpx
import pytest


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_an_answer_stops_the_student(world, stream):
    """The student's server sees the connection close while it is still thinking."""
    call = asyncio.get_running_loop().create_task(world.ask("now hang", stream=stream))
    await asyncio.wait_for(world.student.asked.wait(), 5)
    call.cancel()
    await asyncio.wait_for(world.student.left.wait(), 5)
    assert not world.teacher.requests


async def test_a_client_that_leaves_mid_stream_stops_the_student(world):
    """After the first tokens too."""
    stream = await world.ask("now endless", task="open", stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await asyncio.wait_for(world.student.left.wait(), 5)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/chat/completions", b"", 400),
        ("POST", "/chat/completions", b"{", 400),
        ("POST", "/chat/completions", b"[]", 400),
        ("POST", "/chat/completions", b'{"model":"intent","messages":[{"role":"user","content":"\xff"}]}', 400),
        ("POST", "/chat/completions", b'{"model":"intent","messages":[],"temperature":NaN}', 400),
        ("POST", "/chat/completions", b"[" * 50_000, 400),
        ("POST", "/chat/completions", b"a" * 150_000, 413),
        ("POST", "/chat/completions", b"a" * 1_000_000, 413),
        ("PUT", "/chat/completions", b"", 405),
        ("POST", "/completions", b"{}", 400),
        ("POST", "/nothing", b"{}", 404),
        ("GET", "/models/nobody", b"", 404),
        ("POST", "/models", b"{}", 405),
    ],
)
async def test_raw_requests_get_openai_errors(world, method, path, body, status):
    """Whatever bytes come, the answer is a 4xx with OpenAI's error object, declared length or chunked."""

    async def pieces():
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    async with httpx.AsyncClient() as client:
        replies = [await client.request(method, world.url + path, content=content) for content in (body, pieces())]
    for reply in replies:
        assert reply.status_code == status
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}

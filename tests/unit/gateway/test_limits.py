"""Limits: errors become answers, bodies and concurrency are bounded."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.errors import ApiError
from gateway.limits import BodyLimit, Concurrency, Errors, respond

LIMIT = 1024


async def _echo_size(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await respond(send, 200, str(size).encode(), [])


def _errors(app, refused=lambda code: None):
    return Errors(app, refused=refused)


def _limited(app=_echo_size):
    return _errors(BodyLimit(app, most_bytes=LIMIT))


@pytest.mark.parametrize(
    ("pieces", "declared", "status"),
    [
        ([b"a" * LIMIT], None, 200),
        ([b"a" * LIMIT], b"1024", 200),
        ([b"a" * LIMIT], b"junk", 200),
        ([b""], b"1025", 413),
        ([b""], b"99999999999999999999", 413),
        ([b"a" * (LIMIT + 1)], None, 413),
        ([b"a" * 600, b"a" * 600], None, 413),
        ([b"a" * 600, b"a" * 600, b"a"], b"10", 413),
    ],
)
async def test_bodies_are_bounded(kit, pieces, declared, status):
    """A body over the limit is 413 in OpenAI's shape, whether its length was declared, wrong or left out."""
    headers = [] if declared is None else [(b"content-length", declared)]
    reply = await kit.drive(_limited(), pieces, headers=headers)
    assert reply.status == status
    if status == 413:
        assert reply.json["error"]["code"] == "request_too_large"
        assert reply.headers["connection"] == "close"


async def test_concurrency_is_bounded(kit):
    """The request above the limit gets 503 with Retry-After at once; health and later requests are served."""
    gate = asyncio.Event()

    async def slow(scope, receive, send):
        await gate.wait()
        await respond(send, 200, b"{}", [])

    app = _errors(Concurrency(slow, most=1))
    first = asyncio.gather(kit.drive(app, b""))
    await asyncio.sleep(0)
    refused = await kit.drive(app, b"")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.json["error"]["code"] == "overloaded"
    health = asyncio.gather(kit.drive(app, b"", path="/healthz"))
    await asyncio.sleep(0)
    gate.set()
    assert [reply.status for reply in [*await first, *await health, await kit.drive(app, b"")]] == [200, 200, 200]


async def test_failures_become_500_without_details(kit, caplog):
    """A bug is a 500 in OpenAI's shape, with the details in the log only."""

    async def broken(scope, receive, send):
        raise ValueError("secret detail")

    reply = await kit.drive(_errors(broken), b"")
    assert (reply.status, reply.json["error"]["code"]) == (500, "internal_error")
    assert b"secret" not in reply.body
    assert "request_failed" in caplog.text


@pytest.mark.parametrize("error", [ApiError(400, "x"), ValueError("x")])
async def test_nobody_is_answered_twice(kit, error):
    """Once an answer has begun, an error is raised on and no second answer is sent."""

    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise error

    with pytest.raises(type(error)):
        await kit.drive(_errors(half), b"")


async def test_an_api_error_is_its_own_answer(kit):
    """Status, headers and body of the error reach the client as JSON."""

    async def refuse(scope, receive, send):
        raise ApiError(418, "tea", code="pot", headers=[(b"retry-after", b"3")])

    reply = await kit.drive(_errors(refuse), b"")
    assert (reply.status, reply.headers["retry-after"], reply.headers["content-type"]) == (418, "3", "application/json")
    assert json.loads(reply.body)["error"]["message"] == "tea"


@pytest.mark.parametrize("layer", [_errors, lambda a: Concurrency(a, most=1), lambda a: BodyLimit(a, most_bytes=1)])
async def test_other_protocols_pass(layer):
    """Lifespan messages are none of their business."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await layer(app)({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


async def test_our_own_errors_are_counted_and_named(kit):
    """Every refusal is told by its code, and carries the ids of the request, ours and the client's."""
    codes = []

    async def refuse(scope, receive, send):
        assert scope["preceptor.id"]
        raise ApiError(413, "x", code="request_too_large")

    app = _errors(refuse, codes.append)
    replies = [await kit.drive(app, b"", headers=[(b"x-request-id", b"mine")]) for _ in range(2)]
    assert codes == ["request_too_large"] * 2
    assert {reply.headers["x-request-id"] for reply in replies} == {"mine"}
    assert len({reply.headers["x-preceptor-id"] for reply in replies}) == 2

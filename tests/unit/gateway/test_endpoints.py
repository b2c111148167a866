"""The endpoints: bad requests, ids, clients that leave, sampling."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from prometheus_client import REGISTRY

from domain.settings import JournalSettings
from gateway.app import assemble


@pytest.mark.parametrize(
    ("method", "body", "status", "code"),
    [
        ("POST", b"", 400, "invalid_json"),
        ("POST", b"{}", 400, "invalid_type"),
        ("POST", b'{"model":"nobody","messages":[{"role":"user","content":"x"}]}', 404, "model_not_found"),
        ("PUT", b"", 405, "method_not_allowed"),
        ("DELETE", b"{}", 405, "method_not_allowed"),
    ],
)
async def test_bad_requests_are_told_with_an_id(kit, method, body, status, code):
    """Every refusal has OpenAI's shape and an id to ask about; no metric takes the client's words as a label."""
    async with kit.Gateway() as gateway:
        reply = await kit.drive(gateway.app, body, method=method, headers=[(b"x-request-id", b"mine")])
    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert reply.headers["x-request-id"] == "mine"
    assert reply.headers["x-preceptor-id"]
    assert not [s for m in REGISTRY.collect() for s in m.samples if s.labels.get("task") == "nobody"]


async def test_a_body_may_come_in_pieces(kit):
    """A chunked request is put together."""
    async with kit.Gateway(student=[kit.answer()], policies=kit.checks()) as gateway:
        pieces = [b'{"model":"intent",', b'"messages":[{"role":"user",', b'"content":"x"}]}']
        assert (await kit.drive(gateway.app, pieces)).content == "refund"


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        (b"content-type", b"application/json", 200),
        (b"content-type", b"Application/JSON; charset=utf-8", 200),
        (b"content-type", b"application/vnd.api+json", 200),
        (b"content-type", b"", 200),
        (b"content-type", b"text/plain", 415),
        (b"content-type", b"application/x-www-form-urlencoded", 415),
        (b"content-type", b"multipart/form-data; boundary=x", 415),
        (b"content-encoding", b"identity", 200),
        (b"content-encoding", b"gzip", 415),
    ],
)
async def test_only_plain_json_is_read(kit, name, value, status):
    """A body that says itself that it is something else is refused, not guessed at."""
    async with kit.Gateway(student=[kit.answer()], policies=kit.checks()) as gateway:
        reply = await gateway.chat(headers=[(name, value)])
    assert reply.status == status
    if status == 415:
        assert reply.json["error"]["code"] == "unsupported_media_type"


async def test_a_server_that_tells_of_clients_that_leave_needs_no_watcher(kit):
    """Where the server calls back, nobody reads from the connection meanwhile, and the upstream is stopped alike."""
    callbacks, thinking = [], asyncio.Event()

    def think(_):
        thinking.set()
        return msgspec.structs.replace(kit.answer(), gate=asyncio.Event())

    async with kit.Gateway(student=think, policies=kit.checks()) as gateway:
        call = asyncio.get_running_loop().create_task(gateway.chat(extensions={"preceptor.gone": callbacks.append}))
        await thinking.wait()
        callbacks[-1]()
        reply = await asyncio.wait_for(call, 5)
    assert gateway.student.cancelled == 1
    assert reply.status == 0


async def test_ids_are_unique(kit):
    """Two requests never share an id."""
    async with kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks()) as gateway:
        ids = {(await gateway.chat()).headers["x-preceptor-id"] for _ in range(5)}
    assert len(ids) == 5


async def test_a_client_that_leaves_before_its_request_is_complete(kit):
    """There is nobody to answer, and no error."""
    leave = asyncio.Event()
    leave.set()
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async with kit.Gateway() as gateway:
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [], "query_string": b""}
        await gateway.app(scope, receive, send)
    assert not sent


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_stops_the_upstream(kit, stream):
    """While a model is still thinking, the client's end cancels its work, and is counted as such."""
    labels = {"task": "intent", "arm": "none", "outcome": "client_gone"}
    before = REGISTRY.get_sample_value("preceptor_requests_total", labels) or 0
    leave = asyncio.Event()

    def think(_):
        leave.set()
        return msgspec.structs.replace(kit.answer(), gate=asyncio.Event())

    async with kit.Gateway(student=think, policies=kit.checks(output=("label",))) as gateway:
        call = asyncio.get_running_loop().create_task(gateway.chat(stream=stream, leave=leave))
        done, _ = await asyncio.wait({call}, timeout=5)
        call.cancel()
    assert done
    assert gateway.student.cancelled == 1
    assert not gateway.teacher.requests
    assert call.result().status == 0
    assert REGISTRY.get_sample_value("preceptor_requests_total", labels) == before + 1


async def test_a_cancelled_server_is_no_client_that_left(kit):
    """A cancellation from outside (a shutdown) is passed on, not swallowed."""
    started = asyncio.Event()

    def think(_):
        started.set()
        return msgspec.structs.replace(kit.answer(), gate=asyncio.Event())

    async with kit.Gateway(student=think, policies=kit.checks()) as gateway:
        call = asyncio.get_running_loop().create_task(gateway.chat())
        await started.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0), (0.5, 100), (1.0, 200)])
async def test_the_journal_gets_its_share(kit, rate, share):
    """About `rate` of the exchanges are journalled, each with a draw below it."""
    gateway = kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks())
    task = msgspec.structs.replace(gateway.settings.tasks["intent"], journal=JournalSettings(rate=rate))
    settings = msgspec.structs.replace(gateway.settings, tasks={"intent": task})
    upstreams = {"student": [gateway.student], "teacher": [gateway.teacher]}
    gateway.app = assemble(settings, store=gateway.store, upstreams=upstreams, clock=gateway.clock)
    async with gateway:
        for _ in range(200):
            await gateway.chat()
    found = gateway.store.appended
    assert abs(len(found) - share) < (1 if rate in {0.0, 1.0} else 40)
    assert all(exchange.draw < rate for exchange in found)

"""The application: everything but the hot route, and that the store never stops traffic."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import ConfigError
from domain.settings import CheckSettings, ModelSettings, OutputSettings, PolicySettings, Settings, TaskSettings
from domain.settings import UpstreamSettings as Upstream
from gateway.app import build


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/models/nobody", 404, "model_not_found"),
        ("GET", "/nowhere", 404, "unknown_url"),
        ("POST", "/v1/nowhere", 404, "unknown_url"),
        ("GET", "/metrics", 404, "unknown_url"),
        ("GET", "/docs", 404, "unknown_url"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("PUT", "/healthz", 405, "method_not_allowed"),
    ],
)
async def test_errors_of_the_framework_have_openai_shape(kit, method, path, status, code):
    """Unknown paths, models and methods are told as OpenAI tells them; there is no /metrics here."""
    async with kit.Gateway() as gateway:
        reply = await kit.drive(gateway.app, b"", method=method, path=path)
    assert reply.status == status
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    assert reply.json["error"]["code"] == code


async def test_tasks_are_models(kit):
    """The SDK lists and retrieves tasks as models."""
    async with kit.Gateway() as gateway:
        listed = await kit.drive(gateway.app, b"", method="GET", path="/v1/models")
        one = await kit.drive(gateway.app, b"", method="GET", path="/v1/models/intent")
    assert listed.json["data"] == [one.json]
    assert (one.json["id"], one.json["object"]) == ("intent", "model")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_store(kit, path):
    """A dead store changes neither health nor readiness."""
    gateway = kit.Gateway()
    gateway.store.broken = True
    async with gateway:
        assert (await kit.drive(gateway.app, b"", method="GET", path=path)).status == 200


async def test_traffic_needs_no_store(kit):
    """With the store down answers come as ever; what was accepted is written when it is back."""
    gateway = kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks(output=("label",)))
    gateway.store.broken = True
    async with gateway:
        replies = await asyncio.gather(*(gateway.chat() for _ in range(20)))
        gateway.store.broken = False
    assert {reply.status for reply in replies} == {200}
    assert len(gateway.store.appended) == 20


async def test_the_limits_stand_before_everything(kit):
    """A body over the configured size is 413 on the hot route too."""
    async with kit.Gateway(max_body_bytes=1024) as gateway:
        reply = await gateway.chat("a" * 2000)
    assert (reply.status, reply.json["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("check", "path"),
    [("nonsense", "tasks.intent.policies.output.0"), ("json_schema", "tasks.intent.policies.output.0")],
)
def test_a_bad_policy_is_found_at_the_start(tmp_path, check, path):
    """What cannot be built is refused with the path of the key, before a port is opened."""
    model = ModelSettings(upstream="u", model="m")
    task = TaskSettings(
        teacher=model,
        student=model,
        output=OutputSettings(labels=("a", "b")),
        policies=PolicySettings(output=(CheckSettings(name=check),)),
    )
    settings = Settings(
        upstreams={"u": Upstream(base_url="http://127.0.0.1:9")}, tasks={"intent": task}, root=str(tmp_path)
    )
    with pytest.raises(ConfigError, match=path):
        build(settings, load=lambda: settings, since=0.0)

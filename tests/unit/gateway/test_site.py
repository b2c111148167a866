"""The pages beside the hot routes."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from domain.clients import ClientKey
from gateway.authorize import SCOPE_KEY
from gateway.site import site


async def _ask(kit, path, *, method="GET", tasks=(), headers=()):
    app = site(["intent", "other"], kit.MemoryStore())

    async def keyed(scope, receive, send):
        scope["preceptor.id"] = "ours"
        scope[SCOPE_KEY] = ClientKey(id="k", name="n", sha256="", created_at=0.0, tasks=tasks)
        await app({**scope, "raw_path": path.encode(), "root_path": ""}, receive, send)

    return await kit.drive(keyed, b"", path=path, method=method, headers=headers)


@pytest.mark.parametrize(("tasks", "seen"), [((), ["intent", "other"]), (("other",), ["other"])])
async def test_a_key_sees_its_own_tasks(kit, tasks, seen):
    """The list has what the client may use, and nothing else can be asked for by name."""
    reply = await _ask(kit, "/v1/models", tasks=tasks)
    assert [model["id"] for model in reply.json["data"]] == seen
    status = {name: (await _ask(kit, f"/v1/models/{name}", tasks=tasks)).status for name in ("intent", "other")}
    assert status == {name: 200 if name in seen else 404 for name in ("intent", "other")}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/nobody", 404, "model_not_found"),
        ("GET", "/healthz", 200, None),
        ("GET", "/readyz", 200, None),
    ],
)
async def test_every_answer_is_named_and_every_refusal_counted(kit, method, path, status, code):
    """Ids stand on errors and answers alike; our refusals are counted by their code."""
    before = REGISTRY.get_sample_value("preceptor_refused_total", {"code": code}) or 0 if code else 0
    reply = await _ask(kit, path, method=method, headers=[(b"x-request-id", b"mine")])
    assert reply.status == status
    assert (reply.headers["x-request-id"], reply.headers["x-preceptor-id"]) == ("mine", "ours")
    if code:
        assert reply.json["error"]["code"] == code
        assert REGISTRY.get_sample_value("preceptor_refused_total", {"code": code}) == before + 1

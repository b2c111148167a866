from __future__ import annotations

import httpx2 as httpx
import pytest

from adapters.stores.sqlite import SqliteStore
from console.app import build
from domain import config
from domain.records import Deployment

TOKEN = "admin"


@pytest.fixture
async def client(tmp_path):
    """A console on a store with one deployment."""
    store = SqliteStore(tmp_path / "s.db")
    await store.start()
    await store.deploy(Deployment(task="t", model="t-v1", reference_id="r", at=1.0, by="ana", reason="first"))
    await store.aclose()
    model = {"upstream": "u", "model": "m"}
    document = {
        "server": {"admin_token": TOKEN},
        "store": {"url": "sqlite:///s.db"},
        "upstreams": {"u": {"base_url": "http://x"}},
        "tasks": {"t": {"teacher": model, "student": model, "output": {"text": {}}}},
        "embedders": {"minilm": {}},
    }
    settings = config.parse(document, environ={}, root=tmp_path)
    app = build(settings, load=lambda: settings, since=0.0)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://t") as made:
        yield made


async def test_metrics_and_health_are_open(client):
    """A scrape and a probe must need no token."""
    assert (await client.get("/healthz")).text == "ok\n"
    metrics = await client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "python_info" in metrics.text


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}])
async def test_the_api_needs_its_token(client, header):
    """Without the right token nothing may be read."""
    assert (await client.get("/api/tasks", headers=header)).status_code == 401


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/api/tasks", ["t"]),
        ("/api/tasks/t/signals", []),
    ],
)
async def test_the_api_tells_what_the_store_knows(client, path, found):
    """The answers must be those of the store."""
    reply = await client.get(path, headers={"authorization": f"Bearer {TOKEN}"})
    assert (reply.status_code, reply.json()) == (200, found)


async def test_a_task_shows_its_deployment_and_backlog(client):
    """An operator must see who serves, since when and why, and what waits."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    task = (await client.get("/api/tasks/t", headers=headers)).json()
    assert (task["deployment"]["model"], task["deployment"]["by"]) == ("t-v1", "ana")
    assert task["backlog"]["unread"] == 0
    assert len((await client.get("/api/tasks/t/deployments", headers=headers)).json()) == 1


async def test_an_unknown_task_is_404(client):
    """The error must name the tasks that there are."""
    reply = await client.get("/api/tasks/x", headers={"authorization": f"Bearer {TOKEN}"})
    assert reply.status_code == 404
    assert "configured are t" in reply.json()["detail"]


@pytest.mark.parametrize(("header", "status"), [({}, 401), ({"authorization": f"Bearer {TOKEN}"}, 200)])
async def test_reports_are_behind_the_login(client, header, status):
    """They hold words of users."""
    assert (await client.get("/reports", headers=header)).status_code == status
    assert (await client.get("/reports/t/2026-03-29.html", headers=header)).status_code == {401: 401, 200: 404}[status]

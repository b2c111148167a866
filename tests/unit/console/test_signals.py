from __future__ import annotations

import httpx2 as httpx
import pytest

from adapters.stores.sqlite import SqliteStore
from console.app import build
from domain import config
from domain.clock import ManualClock
from domain.records import Signal, SignalKind
from domain.store import WorkBatch

AT = 1_700_000_000.0  # 2023-11-14 22:13 UTC
MODEL = {"upstream": "u", "model": "m"}
DOCUMENT = {
    "server": {"admin_token": "admin"},
    "store": {"url": "sqlite:///s.db"},
    "upstreams": {"u": {"base_url": "http://x"}},
    "tasks": {name: {"teacher": MODEL, "student": MODEL, "output": {"text": {}}} for name in ("s", "t")},
    "embedders": {"minilm": {}},
}
SIGNAL = Signal(
    id="sig-1", task="t", kind=SignalKind.RETRAIN, reason="agreement", at=AT, detector="agreement", model="v1",
    evidence=1.2, samples=180, false_alarm_budget="one in 30 days",
)  # fmt: skip


@pytest.fixture
async def client(tmp_path):
    """A console an hour after an alarm, with the admin token."""
    store = SqliteStore(tmp_path / "s.db")
    await store.start()
    await store.commit(WorkBatch(owner="w", at=AT, signals=[SIGNAL]))
    await store.aclose()
    settings = config.parse(DOCUMENT, environ={}, root=tmp_path)
    app = build(settings, load=lambda: settings, since=0.0, clock=ManualClock(AT + 3600))
    made = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://t", headers={"authorization": "Bearer admin"}
    )
    async with app.router.lifespan_context(app), made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/tasks/t/signals", None),
        ("GET", "/api/tasks/t/state", None),
        ("POST", "/api/signals/sig-1/ack", {"by": "ada"}),
        ("POST", "/api/tasks/t/expected", {"first_day": "2023-11-14", "last_day": "2023-11-14", "by": "ada"}),
    ],
)
async def test_nobody_reads_or_answers_without_the_token(client, method, path, body):
    """The token that protects the rest of the API protects these, too."""
    refused = await client.request(method, path, json=body, headers={"authorization": "Bearer wrong"})
    assert refused.status_code == 401
    assert (await client.request(method, path, json=body)).status_code == 200


async def test_signals_come_with_where_they_stand(client):
    """Those of the task, with evidence, state and since when; another task has none."""
    (signal,) = (await client.get("/api/tasks/t/signals")).json()
    assert (signal["id"], signal["evidence"], signal["state"], signal["since"]) == ("sig-1", 1.2, "alarm", AT)
    assert (await client.get("/api/tasks/s/signals")).json() == []
    assert (await client.get("/api/tasks/s/state")).json() == {"task": "s", "state": "ok", "episodes": []}


async def test_an_acknowledgement_is_kept_and_shown(client):
    """The answer is the episode afterwards; a second one is a conflict, and harmless closes it."""
    reply = await client.post("/api/signals/sig-1/ack", json={"by": "ada", "note": "on it"})
    assert (reply.status_code, reply.json()["state"], reply.json()["since"]) == (200, "acknowledged", AT + 3600)
    state = (await client.get("/api/tasks/t/state")).json()
    assert state["state"] == "acknowledged"
    assert [step["by"] for step in state["episodes"][0]["steps"]] == ["", "ada"]
    again = await client.post("/api/signals/sig-1/ack", json={"by": "ben"})
    assert again.status_code == 409
    assert "is acknowledged, so it cannot be acknowledged" in again.json()["detail"]
    closed = await client.post("/api/signals/sig-1/ack", json={"by": "ben", "harmless": True})
    assert closed.json()["state"] == "ok"


async def test_expected_days_are_marked_and_close_what_they_explain(client):
    """The mark with its time, and the episodes that it closed."""
    days = {"first_day": "2023-11-14", "last_day": "2023-11-15", "by": "ada", "note": "a sale"}
    reply = (await client.post("/api/tasks/t/expected", json=days)).json()
    assert reply["expected"] == days | {"task": "t", "at": AT + 3600}
    assert [episode["signal_ids"] for episode in reply["closed"]] == [["sig-1"]]
    assert (await client.get("/api/tasks/t/state")).json()["state"] == "ok"


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("/api/signals/x/ack", {"by": "ada"}, 404, "no signal 'x'"),
        ("/api/signals/sig-1/ack", {"by": " "}, 409, "no name of a person"),
        ("/api/signals/sig-1/ack", {}, 422, "by"),
        ("/api/signals/sig-1/ack", {"by": "ada", "harmles": True}, 422, "harmles"),
        ("/api/tasks/x/expected", {"first_day": "2023-11-14", "last_day": "2023-11-14", "by": "a"}, 404, "no task 'x'"),
        (
            "/api/tasks/t/expected",
            {"first_day": "14.11.", "last_day": "2023-11-14", "by": "a"},
            400,
            "'14.11.' is no day",
        ),
    ],
)
async def test_a_mistake_is_refused_and_changes_nothing(client, path, body, status, problem):
    """The status tells whose mistake it is, the text what to do."""
    reply = await client.post(path, json=body)
    assert reply.status_code == status
    assert problem in reply.text
    assert (await client.get("/api/tasks/t/state")).json()["state"] == "alarm"

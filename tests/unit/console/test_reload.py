"""`POST /api/reload`: validated, marked in the store, and in force in the console itself."""

from __future__ import annotations

import httpx2 as httpx
import pytest
import yaml

from adapters.stores.sqlite import SqliteStore
from console.app import build
from domain.clock import ManualClock
from policies import app as policies

MODEL = {"upstream": "u", "model": "m"}
TASK = {"teacher": MODEL, "student": MODEL, "output": {"text": {}}}
DOCUMENT = {
    "server": {"admin_token": "one"},
    "store": {"url": "sqlite:///s.db"},
    "upstreams": {"u": {"base_url": "http://x"}},
    "tasks": {"t": TASK},
    "embedders": {"minilm": {}},
}


class Console:
    """A console on a file that a test rewrites."""

    def __init__(self, root):
        self._path = root / "preceptor.yaml"
        self.store = SqliteStore(root / "s.db")
        self.write()
        load = lambda: policies.load(self._path)  # noqa: E731 - as the process binds it
        self.app = build(load(), load=load, since=100.0, clock=ManualClock(500.0))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://t")

    def write(self, **sections):
        """The document with sections replaced."""
        self._path.write_text(yaml.safe_dump(DOCUMENT | sections))

    async def call(self, method, path, token="one"):
        """A request with the admin token."""
        return await self.client.request(method, f"/api{path}", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
async def console(tmp_path):
    """A running console."""
    made = Console(tmp_path)
    async with made.app.router.lifespan_context(made.app), made.client:
        await made.store.start()
        yield made
        await made.store.aclose()


async def test_a_good_file_is_marked_and_in_force(console):
    """202 with the time; the mark is in the store for the others; tasks and token of the console are the new ones."""
    console.write(tasks={"t": TASK, "new": TASK}, server={"admin_token": "two"})
    reply = await console.call("POST", "/reload")
    assert (reply.status_code, reply.json()) == (202, {"requested_at": 500.0})
    assert await console.store.reload_requested() == 500.0
    assert (await console.call("GET", "/tasks")).status_code == 401
    assert (await console.call("GET", "/tasks", "two")).json() == ["new", "t"]


@pytest.mark.parametrize(
    ("sections", "path", "reason"),
    [
        ({"tasks": {"t": TASK | {"polices": {}}}}, "tasks.t.polices", "tasks.t.polices: unknown key"),
        (
            {"tasks": {"t": TASK | {"policies": {"output": ["nonsense"]}}}},
            "tasks.t.policies.output.0",
            "tasks.t.policies.output.0: unknown check 'nonsense'",
        ),
        ({"server": {"admin_token": "one", "port": 9}}, "server.port", "server.port: this change needs a restart"),
        ({"tasks": []}, "tasks", "tasks: must be a mapping"),
    ],
)
async def test_a_bad_file_is_refused_with_its_key(console, sections, path, reason):
    """400 with path and reason; no mark is left, nothing has changed."""
    console.write(**sections)
    reply = await console.call("POST", "/reload")
    assert reply.status_code == 400
    detail = reply.json()["detail"]
    assert detail["path"] == path
    assert detail["reason"].startswith(reason)
    assert await console.store.reload_requested() == 0.0
    assert (await console.call("GET", "/tasks")).json() == ["t"]


async def test_a_reload_needs_the_token(console):
    """Nobody else may ask for it, and it is no GET."""
    assert (await console.call("POST", "/reload", "wrong")).status_code == 401
    assert (await console.call("GET", "/reload")).status_code == 405
    assert await console.store.reload_requested() == 0.0

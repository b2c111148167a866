from __future__ import annotations

import base64

import httpx2 as httpx
import pytest
from fastapi import Depends, FastAPI

from console.admission import bearer, login
from console.reload import Current
from domain import config

TOKEN = "geheim-é"


def current(tmp_path, token=TOKEN):
    """Settings with that admin token."""
    model = {"upstream": "u", "model": "m"}
    document = {
        "server": {"admin_token": token},
        "upstreams": {"u": {"base_url": "http://x"}},
        "tasks": {"t": {"teacher": model, "student": model, "output": {"text": {}}}},
        "embedders": {"minilm": {}},
    }
    settings = config.parse(document, environ={}, root=tmp_path)
    return Current(settings, load=lambda: settings)


def client(held):
    """A page and an API route behind their dependencies."""
    app = FastAPI()
    app.add_api_route("/api", lambda: "seen", dependencies=[Depends(bearer(held))])
    app.add_api_route("/page", lambda: "seen", dependencies=[Depends(login(held))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


def basic(password, name="ana"):
    """What a browser sends after it has asked for name and password."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


BEARER = f"Bearer {TOKEN}".encode()


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/api", BEARER, 200),
        ("/page", BEARER, 200),
        ("/page", basic(TOKEN), 200),
        ("/page", basic(TOKEN, name=""), 200),
        ("/page", basic(TOKEN).replace("Basic", "basic"), 200),
        ("/api", basic(TOKEN), 401),  # no browser logs in to an API: a foreign page could then use it
        ("/page", basic("wrong"), 401),
        ("/page", basic(""), 401),
        ("/page", "Basic !!!", 401),
        ("/page", "Basic " + base64.b64encode(b"\xff\xfe").decode(), 401),
        ("/page", "Basic", 401),
        ("/page", None, 401),
        ("/api", None, 401),
        ("/api", "Bearer", 401),
        ("/api", "Bearer ", 401),
        ("/api", b"bearer " + TOKEN.encode(), 401),
        ("/api", TOKEN.encode(), 401),
    ],
)
async def test_only_the_token_lets_pass(tmp_path, path, header, status):
    """As a script sends it, and for pages as a browser does."""
    headers = {} if header is None else {"authorization": header}
    async with client(current(tmp_path)) as opened:
        reply = await opened.get(path, headers=headers)
    assert reply.status_code == status
    if status == 401:
        assert reply.headers["www-authenticate"].startswith("Basic realm=" if path == "/page" else "Bearer")


@pytest.mark.parametrize("path", ["/api", "/page"])
@pytest.mark.parametrize("header", ["Bearer ", "Bearer", basic(""), None])
async def test_without_a_token_everything_is_closed(tmp_path, path, header):
    """An empty token is none; it is not the one that nobody gave."""
    headers = {} if header is None else {"authorization": header}
    async with client(current(tmp_path, token="")) as opened:
        reply = await opened.get(path, headers=headers)
    assert reply.status_code == 403
    assert "server.admin_token" in reply.json()["detail"]


async def test_a_changed_token_counts_at_once(tmp_path):
    """After a reload the old one is worth nothing."""
    held = current(tmp_path)
    async with client(held) as opened:
        held.settings = current(tmp_path, token="new").settings
        assert (await opened.get("/page", headers={"authorization": BEARER})).status_code == 401
        assert (await opened.get("/page", headers={"authorization": basic("new")})).status_code == 200

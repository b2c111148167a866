from __future__ import annotations

import httpx2 as httpx
import pytest
from fastapi import FastAPI

from console.reload import Current
from console.reports import reports_routes
from domain import config

EVIL = "<b>&/.."
REPORTS = ("2026-03-28.html", "2026-03-29.html", "2026-03-29-signal-1.html")


@pytest.fixture
async def client(tmp_path):
    """Reports of two tasks; one has a name that is anything but a file name."""
    model = {"upstream": "u", "model": "m"}
    task = {"teacher": model, "student": model, "output": {"text": {}}}
    document = {
        "upstreams": {"u": {"base_url": "http://x"}},
        "tasks": {"intent": task, EVIL: task, "empty": task},
        "embedders": {"minilm": {}},
    }
    settings = config.parse(document, environ={}, root=tmp_path)
    folder = tmp_path / "var/reports/intent"
    folder.mkdir(parents=True)
    for name in (
        "2026-03-28.html",
        "2026-03-29.html",
        "2026-03-29-signal-1.html",
        "2026-03-29.html.part",
        "notes.html",
    ):
        (folder / name).write_text(f"<script>told('{name}')</script>")
    (tmp_path / "preceptor.yaml").write_text("secret")
    (folder / "2026-01-01.html").symlink_to(tmp_path / "preceptor.yaml")
    app = FastAPI()
    app.include_router(reports_routes(Current(settings, load=lambda: settings)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as opened:
        yield opened


async def test_the_list_has_every_report_the_newest_first(client):
    """With a link to each, for each configured task, and a word where there is none."""
    reply = await client.get("/reports")
    assert reply.status_code == 200
    text = reply.text
    links = [f"/reports/intent/{name}" for name in sorted(REPORTS, reverse=True)]
    assert sorted(links, key=text.index) == links
    assert "notes" not in text
    assert ".part" not in text
    assert "None yet" in text
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text


async def test_a_report_is_shown_as_it_was_saved(client):
    """Its scripts may run, and nothing else may happen."""
    reply = await client.get("/reports/intent/2026-03-29-signal-1.html")
    assert (reply.status_code, reply.text) == (200, "<script>told('2026-03-29-signal-1.html')</script>")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/reports", "/reports/intent/2026-03-29.html"])
async def test_a_page_can_neither_load_nor_send_anything(client, path):
    """Nothing from elsewhere, no frames, no forms, no guessing of types, no copies in caches."""
    headers = (await client.get(path)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert not any("http" in sources or "*" in sources or "'self'" in sources for sources in policy.values())
    assert "connect-src" not in policy  # default-src holds
    assert ("script-src" in policy) == ("sandbox" in policy) == (path != "/reports")
    assert policy.get("sandbox", "allow-scripts") == "allow-scripts"  # not the console's origin
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/reports/intent/2026-03-30.html",
        "/reports/other/2026-03-29.html",
        "/reports/intent/notes.html",
        "/reports/intent/2026-03-29.html.part",
        "/reports/intent/2026-01-01.html",  # a link that leads out
        "/reports/intent/..%2f..%2f..%2fpreceptor.yaml",
        "/reports/intent/../../preceptor.yaml",
        "/reports/..%2f..%2f/preceptor.yaml",
        "/reports/%2e%2e/preceptor.yaml",
        "/reports/intent/2026-03-29.html%00",
        "/reports/intent/2026-03-29.html%2f..%2f..%2f..%2f..%2fpreceptor.yaml",
        "/reports/intent/",
    ],
)
async def test_there_is_no_way_out_of_the_reports(client, path):
    """What is no report of a configured task is not found, however it is written."""
    reply = await client.get(path)
    assert reply.status_code == 404
    assert "secret" not in reply.text

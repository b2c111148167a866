"""A gateway as a process of its own: its end, and its size."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import openai
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from adapters.stores.sqlite import from_url

ROOT = Path(__file__).resolve().parents[3]


def _start(path, *arguments, **options):
    command = [sys.executable, "-m", "gateway", "--config", str(path), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.slow
async def test_a_worker_process_drains_at_sigterm(kit, tmp_path):
    """On an inherited socket; at SIGTERM the running request is answered and its exchange is in the store."""
    student = kit.ModelServer()
    gate = asyncio.Event()
    plain = student.chat

    async def slow(request):
        reply = await plain(request)
        await gate.wait()
        return reply

    student.app = Starlette(routes=[Route("/v1/chat/completions", slow, methods=["POST"])])
    async with kit.serving(student.app) as url:
        path = tmp_path / "preceptor.yaml"
        path.write_text(kit.CONFIG.format(teacher=url, student=url, port=1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port, fd = listener.getsockname()[1], listener.fileno()
            process = await asyncio.to_thread(_start, path, "--fd", str(fd), pass_fds=[fd])
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as sdk:
            call = asyncio.get_running_loop().create_task(
                sdk.chat.completions.create(model="intent", messages=[{"role": "user", "content": "say refund"}])
            )
            await asyncio.wait_for(student.asked.wait(), 20)
            process.send_signal(signal.SIGTERM)
            gate.set()
            assert (await call).choices[0].message.content == "refund"
        _, error = await asyncio.to_thread(process.communicate, timeout=20)
        assert "Traceback" not in error
    store = from_url("sqlite:///preceptor.db", tmp_path)
    await store.start()
    assert [watched.exchange.output_text for watched in await store.exchanges("intent")] == ["refund"]
    await store.aclose()


BUDGET = """
import json, sys
from pathlib import Path
from domain import config
from gateway import __main__
from gateway.app import build
settings = config.load(Path(sys.argv[1]))
build(settings, load=lambda: settings, since=0.0)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
heavy = {"openai", "numpy", "torch", "rich", "typer", "pandas", "httpx", "scipy", "sklearn", "evidently"}
print(json.dumps({
    "modules": len(sys.modules),
    "mib": int(status["VmRSS"].split()[0]) / 1024,
    "heavy": sorted(heavy & set(sys.modules)),
    "checks": sorted({"re2", "jsonschema_rs", "phonenumbers"} & set(sys.modules)),
}))
"""


@pytest.mark.slow
def test_the_import_budget(kit, tmp_path):
    """A gateway with all checks loaded has at most 700 modules and 70 MiB, and nothing heavy."""
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    path = tmp_path / "preceptor.yaml"
    text = kit.CONFIG.format(teacher="http://127.0.0.1:9/v1", student="http://127.0.0.1:9/v1", port=1)
    text = text.replace("{text: {}}", "{json_schema: schema.json}").replace(
        "{input: [], output: []}", "{output: [json_schema, length, secrets, pii]}"
    )
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", BUDGET, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["heavy"] == []
    assert found["checks"] == ["jsonschema_rs", "phonenumbers", "re2"]
    assert found["modules"] <= 700, found
    assert found["mib"] <= 70, found

"""One machine as an operator runs it: `preceptor serve` with two gateway workers, monitors and console."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.overhead import processes
from benchmarks.overhead.bodies import MODEL
from benchmarks.overhead.contender import Place

ROOT = Path(__file__).parents[2]
TASK = MODEL
STORE = "sqlite:///var/preceptor.db"
EMBEDDER = {"backend": "hashing"}
WORKERS = 2
_MODULES = ("gateway", "monitors", "console", "cli")
_READY_S = 60.0


class Machine:
    """The running processes, the supervisor being the root of their tree."""

    def __init__(self, place: Place, admin_port: int, pid: int) -> None:
        self.folder = place.folder
        self.port = place.port
        self._admin_port = admin_port
        self._pid = pid

    def roles(self) -> dict[str, int]:
        """Process ids by role: gateway-0, gateway-1, monitors, console, supervisor."""
        found: dict[str, list[int]] = {}
        for pid in sorted(processes.tree(self._pid)):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                for module in set(_MODULES) & set(words[:3]):
                    found.setdefault("supervisor" if module == "cli" else module, []).append(pid)
        return {
            role if len(pids) == 1 else f"{role}-{number}": pid
            for role, pids in found.items()
            for number, pid in enumerate(pids)
        }

    def exposition(self) -> str:
        """What the console says at /metrics."""
        return _get(self._admin_port, "/metrics")


@contextlib.contextmanager
def serving(place: Place, *, admin_port: int) -> Iterator[Machine]:
    """Everything up and answering.

    Raises:
        RuntimeError: it never came up.
    """
    config = place.folder / "preceptor.yaml"  # JSON is YAML
    config.write_text(json.dumps(_settings(place, admin_port)), encoding="utf-8")
    with (place.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "--config", str(config)],
            cwd=place.folder,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(process, place, admin_port)
            yield Machine(place, admin_port, process.pid)
        finally:
            processes.stop(process.pid, patience_s=20.0)
            process.wait()


def _settings(place: Place, admin_port: int) -> dict[str, object]:
    """Every feature on; 5 % journalled, 1 % asked of the teacher, for whom the mock speaks as well."""
    model = {"upstream": "models", "model": MODEL}
    samples = {"journal": {"rate": 0.05}, "shadow": {"rate": 0.01, "flagged_rate": 0.05}}
    task = {"student": model, "teacher": model, "output": {"text": {}}, **samples}
    return {
        "server": {"port": place.port, "admin_port": admin_port, "workers": WORKERS},
        "store": {"url": STORE},
        "upstreams": {"models": {"base_url": f"http://127.0.0.1:{place.upstream}/v1"}},
        "embedders": {"minilm": EMBEDDER},
        "tasks": {TASK: task},
    }


def _wait(process: subprocess.Popen[bytes], place: Place, admin_port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            if _get(place.port, "/readyz") and _get(admin_port, "/healthz"):
                return
        time.sleep(0.2)
    said = (place.folder / "log").read_text(errors="replace")[-500:]
    raise RuntimeError(f"preceptor serve never answered; it said: {said}")


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
        return text

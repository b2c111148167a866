"""A real gateway process for the SDK's tests: a task for each model that they name, all answered by one upstream."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2

from benchmarks.compat.suite import ROOT

_START_S = 30
_END_S = 30


@contextlib.contextmanager
def serving(models: list[str], upstream: str, folder: Path) -> Iterator[str]:
    """The base URL of a gateway whose configuration and store are in `folder`.

    Raises:
        RuntimeError: it did not start, or ended by itself.
    """
    path, errors = folder / "preceptor.yaml", folder / "gateway.err"
    path.write_text(json.dumps(_configuration(models, upstream)), encoding="utf-8")  # JSON is YAML
    with socket.create_server(("127.0.0.1", 0)) as listener, errors.open("wb") as file:
        command = [sys.executable, "-m", "gateway", "--config", str(path), "--fd", str(listener.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, stderr=file, pass_fds=[listener.fileno()], env=dict(os.environ))
        port = listener.getsockname()[1]
    try:
        try:  # the socket listens already: the request waits for the process
            httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=_START_S).raise_for_status()
        except httpx2.HTTPError as error:
            raise RuntimeError(f"the gateway did not start: {error}: {errors.read_text()[-2000:]}") from None
        yield f"http://127.0.0.1:{port}/v1"
        if process.poll() is not None:
            raise RuntimeError(f"the gateway ended by itself: {errors.read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait(_END_S)


def _configuration(models: list[str], upstream: str) -> dict[str, object]:
    """Default policies, as a user has them."""
    replay = {"upstream": "replay"}
    return {
        "store": {"url": "sqlite:///preceptor.db"},
        "upstreams": {"replay": {"base_url": upstream}},
        "embedders": {"minilm": {}},
        "tasks": {
            model: {
                "teacher": replay | {"model": f"{model}-teacher"},
                "student": replay | {"model": f"{model}-student"},
                "output": {"text": {}},
            }
            for model in models
        },
    }

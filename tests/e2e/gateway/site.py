"""A process of ours on a configuration file that a test rewrites while it runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml
from prometheus_client import CollectorRegistry, multiprocess

ROOT = Path(__file__).resolve().parents[3]
POLICIES = [{"input": ["length"], "output": ["label", "pii"]}, {"input": ["secrets", "pii"], "output": ["label"]}]


class Running:
    """A process of ours on a configuration file that the test rewrites."""

    def __init__(self, root, module, *arguments, **options):
        self._file = root / f"{module}.log"
        environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(root / "metrics")}
        command = [sys.executable, "-m", module, "--config", str(root / "preceptor.yaml"), *arguments]
        with self._file.open("w") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=log, **options)

    def log(self):
        """What it has written."""
        return self._file.read_text()

    async def logged(self, text, count=1):
        """Wait until it has written `text` that often."""
        async with asyncio.timeout(20):
            while self.log().count(text) < count:
                assert self.process.poll() is None, self.log()
                await asyncio.sleep(0.005)

    def stop(self):
        """End it gracefully; a server raises the signal again once it has drained."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) in (0, -signal.SIGTERM), self.log()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait(10)


class Site:
    """A gateway process in front of a model server, and its configuration."""

    def __init__(self, root, url, ports):
        self.root = root
        self.ports = ports
        self._url = url
        (root / "metrics").mkdir()
        self.write()

    def write(self, *extra, policies=None, **sections):
        """Write the file with these further tasks, at once for every reader."""
        intent = {"teacher": self._model("big"), "student": self._model("small"), "output": {"labels": ["refund", "x"]}}
        plain = {**intent, "output": {"text": {}}, "policies": {"input": [], "output": []}}
        document = {
            "upstreams": {"models": {"base_url": self._url}},
            "server": {"port": self.ports[0], "admin_port": self.ports[1], "admin_token": "token"},
            "store": {"url": "sqlite:///s.db"},
            "embedders": {"minilm": {}},
            "tasks": {"intent": intent | {"policies": policies or POLICIES[0]}, "open": plain}
            | dict.fromkeys(extra, plain),
        }
        fresh = self.root / "fresh.yaml"
        fresh.write_text(yaml.safe_dump(document | sections))
        fresh.replace(self.root / "preceptor.yaml")

    def metric(self, name):
        """The sum over all processes of this site."""
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(self.root / "metrics"))
        return registry.get_sample_value(name)

    def _model(self, name):
        return {"upstream": "models", "model": name}

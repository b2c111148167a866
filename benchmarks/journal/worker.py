"""A gateway worker that journals everything, on a disk that stalls or fills up when told to."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, multiprocess

from benchmarks.overhead import bodies
from benchmarks.overhead.contender import Contender, Place, Running

ROOT = Path(__file__).parents[2]
TASK = bodies.MODEL
_SETTLE_S = 60.0


class Account:
    """Where every exchange is, by the gateway's metrics and by the store itself."""

    def __init__(self, folder: Path) -> None:
        samples: dict[str, float] = {}
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(folder / "metrics"))  # type: ignore[no-untyped-call]
        for metric in registry.collect():
            for sample in metric.samples:
                samples[sample.name] = samples.get(sample.name, 0.0) + sample.value
        self.offered = int(samples.get("preceptor_requests_total", 0))  # the rate of the journal is 1
        self.dropped = int(samples.get("preceptor_journal_dropped_total", 0))
        self.waiting = int(samples.get("preceptor_journal_queue", 0))
        with contextlib.closing(sqlite3.connect(folder / "preceptor.db", timeout=10)) as store:
            (written,) = store.execute("SELECT count(*) FROM exchanges").fetchone()
        self.written = int(written)

    @property
    def missing(self) -> int:
        """Exchanges that are neither in the store nor counted as dropped."""
        return self.offered - self.written - self.dropped


class Disk:
    """What the worker's disk does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        library = folder / "disk.so"
        source = Path(__file__).parent / "disk.c"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        self.env = {"LD_PRELOAD": str(library), "DISK": str(folder)}

    @contextlib.contextmanager
    def being(self, state: str) -> Iterator[None]:
        """`stalled` or `full` for so long."""
        flag = self._folder / state
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()


def contender(place: Place, disk: Disk, *, queue: int) -> Contender:
    """The gateway with its default policies and a journal of rate 1."""
    (place.folder / "metrics").mkdir()
    upstream = {"base_url": f"http://127.0.0.1:{place.upstream}/v1"}
    model = {"upstream": "models", "model": TASK}
    task = {"student": model, "teacher": model, "output": {"text": {}}, "journal": {"rate": 1.0, "queue": queue}}
    settings = {
        "server": {"port": place.port},
        "store": {"url": "sqlite:///preceptor.db"},
        "upstreams": {"models": upstream},
        "embedders": {"minilm": {"backend": "hashing"}},
        "tasks": {TASK: task},
    }
    config = place.folder / "preceptor.yaml"  # JSON is YAML
    config.write_text(json.dumps(settings), encoding="utf-8")
    env = {"PYTHONPATH": str(ROOT), "PROMETHEUS_MULTIPROC_DIR": str(place.folder / "metrics")} | disk.env
    command = (sys.executable, "-m", "gateway", "--config", str(config))
    return Contender(name="gateway", place=place, command=command, env=env)


def settle(running: Running) -> Account:
    """Wait until nothing is under way any more; the account then."""
    folder, until = running.contender.place.folder, time.monotonic() + _SETTLE_S
    while (account := Account(folder)).missing and time.monotonic() < until:
        time.sleep(0.2)
    return account

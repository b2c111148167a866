"""How much traffic one worker watches: the product's Watch with default settings on a real store.

Once as fast as it goes, once beside a process that journals 2,000 exchanges a second.  `lag` is from the moment an
exchange was made to the commit of what was found out about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from adapters.stores.sqlite import SqliteStore
from benchmarks.results import Results
from benchmarks.signals import feeder
from domain import config, tasks
from domain.clock import SystemClock
from domain.errors import ModelError
from domain.records import Baseline, Deployment, Exchange, Stratum
from domain.settings import EmbedderSettings
from domain.store import WorkBatch
from embedders import app as embedders
from monitors.reference import Reference
from monitors.task_loops import TaskLoops
from monitors.worker import keep_going

if TYPE_CHECKING:
    from domain.ports import Embedder
    from monitors.worker import Steps

RATE = 2000.0
_REFERENCE = 2000
_IDLE_S = 0.05
_SETTLE_S = 30.0
_WARM = 512  # exchanges that load what is loaded once
_BASELINES = {Stratum.ORDINARY: Baseline(400, 392), Stratum.FLAGGED: Baseline(40, 36)}


class Figures(msgspec.Struct, frozen=True):
    """What a run came to; times in seconds, `lags` one for each exchange."""

    watched: int
    embedded: int
    seconds: float
    cpu_s: float
    lags: Sequence[float]


class TimedStore(SqliteStore):
    """Notes for each exchange how long after its time the batch with it was committed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.lags: list[float] = []
        self.embedded = 0
        self._times: dict[str, float] = {}

    async def lease(self, task: str, *, owner: str, limit: int, lease_s: float, at: float) -> list[Exchange]:
        """See `domain.store.Store`."""
        leased = await super().lease(task, owner=owner, limit=limit, lease_s=lease_s, at=at)
        self._times |= {exchange.id: exchange.at for exchange in leased}
        return leased

    async def commit(self, batch: WorkBatch) -> None:
        """See `domain.store.Store`."""
        await super().commit(batch)
        done = time.time()
        self.lags += [done - self._times.pop(row.exchange_id) for row in batch.watched]
        self.embedded += sum(row.novelty is not None for row in batch.watched)


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Both runs; `data` is not needed."""
    seconds = 10.0 if quick else 60.0
    with tempfile.TemporaryDirectory() as name:
        backend, embedder = _embedder(Path(name))
        ceiling = asyncio.run(_ceiling(Path(name) / "ceiling", embedder, count=int(RATE * seconds / 2)))
        case, n = f"worker as fast as it goes, {backend}", ceiling.watched
        results.add(case, "watched", n / ceiling.seconds, "per s", target=f">= {RATE:g}", n=n)
        results.add(case, "embedded", ceiling.embedded / n, "share", n=n)
        results.add(case, "CPU, store's thread included", ceiling.cpu_s / n * 1e6, "us each", n=n)
        steady = asyncio.run(_steady(Path(name) / "steady", embedder, seconds=seconds))
    case, n = f"worker at {RATE:,.0f} exchanges/s for {seconds:.0f} s, {backend}", steady.watched
    for share, metric, target in ((0.5, "lag, p50", ""), (0.99, "lag, p99", "<= 1"), (1.0, "lag, longest", "")):
        results.add(case, metric, float(np.quantile(steady.lags, share)), "s", target=target, n=n)
    results.add(case, "watched", n / steady.seconds, "per s", n=n)
    results.add(case, "embedded", steady.embedded / n, "share", n=n)
    results.add(case, "CPU, store's thread included", steady.cpu_s / n * 1e6, "us each", n=n)


def _embedder(folder: Path) -> tuple[str, Embedder]:
    """The static one where its model is on this machine, else word hashing."""
    settings = EmbedderSettings(backend="static", cache=str(folder / "exports"))
    with contextlib.suppress(ModelError):
        embedders.export(settings)
        return "static", embedders.build(settings)
    return "hashing", embedders.build(EmbedderSettings(backend="hashing"))


async def _ceiling(folder: Path, embedder: Embedder, *, count: int) -> Figures:
    store, watch = await _deployed(folder, embedder)
    source = feeder.exchanges(2, at=time.time())
    for _ in range(count // 1000):
        await store.append(list(itertools.islice(source, 1000)))
    began, cpu = time.perf_counter(), time.process_time()
    while await watch.step():
        pass
    figures = _figures(store, time.perf_counter() - began, time.process_time() - cpu)
    await store.aclose()
    return figures


async def _steady(folder: Path, embedder: Embedder, *, seconds: float) -> Figures:
    store, watch = await _deployed(folder, embedder)
    work = json.dumps({"folder": str(folder), "rate": RATE, "seconds": seconds, "seed": 3})
    feeding = await asyncio.create_subprocess_exec(
        sys.executable, "-m", feeder.__name__, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    began, cpu = time.perf_counter(), time.process_time()
    working = tasks.spawn(keep_going(watch, task=feeder.TASK), name="watch")
    output, _ = await feeding.communicate(work.encode())
    seconds = time.perf_counter() - began
    await _settled(store, int(output))
    await tasks.cancel(working)
    figures = _figures(store, seconds, time.process_time() - cpu)
    if figures.watched != int(output):
        raise SystemExit(f"benchmarks.signals.worker: {output.decode().strip()} sent, {figures.watched} watched")
    await store.aclose()
    return figures


async def _settled(store: TimedStore, count: int) -> None:
    """Wait until all that was sent has been watched, but not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SETTLE_S):
            while len(store.lags) < count:  # noqa: ASYNC110 - what is waited for is another process
                await asyncio.sleep(_IDLE_S)


async def _deployed(folder: Path, embedder: Embedder) -> tuple[TimedStore, Steps]:
    """A store with a deployed student, and the watch of a task with default settings, warm."""
    store = TimedStore(folder / "preceptor.db")
    await store.start()
    reference = Reference.build(list(itertools.islice(feeder.texts(0), _REFERENCE)), embedder)
    reference_id = await store.put_blob("reference", reference.to_bytes(), at=0.0)
    await store.deploy(
        Deployment(
            task=feeder.TASK,
            model=feeder.STUDENT,
            reference_id=reference_id,
            at=time.time() - 60,
            by="benchmark",
            reason="benchmark",
            baselines=_BASELINES,
        )
    )
    model = {"upstream": "models", "price": {"input": 1.0, "output": 2.0}}
    task = {
        "teacher": model | {"model": "gold"}, "student": model | {"model": feeder.STUDENT},
        "output": {"labels": list(feeder.LABELS)},
    }  # fmt: skip
    document = {
        "store": {"url": feeder.STORE},
        "upstreams": {"models": {"base_url": "http://127.0.0.1:9/v1", "api_key": "none"}},
        "embedders": {"minilm": {"backend": "hashing"}},
        "tasks": {feeder.TASK: task},
    }
    (folder / "preceptor.yaml").write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    settings = config.load(folder / "preceptor.yaml")
    loops = TaskLoops(settings, feeder.TASK, {"minilm": embedder}, store=store, clock=SystemClock(), owner="benchmark")
    watch = loops.loops[0]
    await store.append(list(itertools.islice(feeder.exchanges(1), _WARM)))
    while await watch.step():
        pass
    store.lags, store.embedded = [], 0
    return store, watch


def _figures(store: TimedStore, seconds: float, cpu_s: float) -> Figures:
    return Figures(len(store.lags), store.embedded, seconds, cpu_s, store.lags)

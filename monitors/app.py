"""Composition root of the monitors: settings to running loops, of each task and of all together."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adapters.metrics import RELOAD_TIMESTAMP
from adapters.notifiers.webhook import WebhookNotifier
from adapters.report_files import ReportFiles
from adapters.stores.sqlite import from_url
from domain import tasks
from domain.clock import SystemClock
from domain.reload import ReloadMark
from embedders import app as embedders
from monitors.catalogue import Catalogue
from monitors.delivery import Delivery
from monitors.recovery import Recovery
from monitors.report_process import make_report
from monitors.report_schedule import ReportSchedule
from monitors.sunset import Sunset
from monitors.task_loops import TaskLoops
from monitors.teacher import client
from monitors.worker import Steps, keep_going

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Embedder
    from domain.settings import Settings
    from domain.store import Store
    from monitors.teacher import Teacher

_LOG = logging.getLogger(__name__)
_ALL = "all"
_CATALOGUE_S = 30.0
_WORKSPACE = "var/evidently"


class Closable(Protocol):
    """What holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class Monitors:
    """All loops of one worker process."""

    def __init__(
        self, loops: Sequence[tuple[str, Steps]], *, store: Store, closing: Sequence[Closable], mark: ReloadMark
    ) -> None:
        """`closing`: what is to be closed at the end, beside the store."""
        self._loops = loops
        self._store = store
        self._mark = mark
        self._closing = closing

    async def run(self) -> None:
        """Work until cancelled or asked to reload; a loop that breaks ends all, so that the supervisor starts afresh.

        Embedders take seconds to load, so a reload is an end: whoever started this starts it again.

        Raises:
            StoreError: the store cannot be opened.
        """
        await self._store.start()
        running = [
            tasks.spawn(keep_going(steps, task=task), name=f"{task}-{type(steps).__name__}")
            for task, steps in self._loops
        ]
        running.append(tasks.spawn(self._mark.renewed(), name="reload-mark"))
        try:
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            _LOG.info("reload_requested")
        finally:
            for task in running:
                await tasks.cancel(task)

    async def aclose(self) -> None:
        """Close connections and the store."""
        for each in self._closing:
            await each.aclose()
        await self._store.aclose()


def build(settings: Settings, path: Path, *, since: float, clock: Clock | None = None) -> Monitors:
    """The monitors for these settings, which were read from `path` at `since`.

    Loads the embedders, which takes seconds.

    Raises:
        ModelError: weights are missing.
        ConfigError: a comparer or a price is unknown, or a policy cannot be used.
        DatasetError: a file of canary prompts cannot be used.
    """
    clock = clock or SystemClock()
    store = from_url(settings.store.url, Path(settings.root))
    owner = f"monitors-{secrets.token_hex(4)}"
    loaded = _embedders(settings)
    built = [TaskLoops(settings, name, loaded, store=store, clock=clock, owner=owner) for name in settings.tasks]
    teachers = {task.name: task.teacher for task in built}
    loops = [(task.name, steps) for task in built for steps in task.loops]
    delivery = _delivery(settings, store, clock)
    sunset = _sunset(settings, teachers, store, clock, owner)
    reports = _reports(settings, path, store, clock, owner)
    recovery = Recovery(settings.tasks, store=store, clock=clock)
    loops += [(_ALL, steps) for steps in (delivery, recovery, sunset, reports)]
    mark = ReloadMark(store, since=since)
    RELOAD_TIMESTAMP.set(since)
    return Monitors(loops, store=store, closing=[*built, delivery, sunset], mark=mark)


def _embedders(settings: Settings) -> dict[str, Embedder]:
    used = {task.drift.embedder for task in settings.tasks.values()}
    used |= {task.agreement.embedder for task in settings.tasks.values() if task.agreement.embedder}
    root = Path(settings.root)
    return {name: embedders.build(settings.embedders[name], root=root) for name in sorted(used)}


def _sunset(settings: Settings, teachers: dict[str, Teacher], store: Store, clock: Clock, owner: str) -> Sunset:
    names = sorted({task.teacher.upstream for task in settings.tasks.values()})
    root = Path(settings.root)
    clients = {name: client(settings.upstreams[name], timeout_s=_CATALOGUE_S, root=root) for name in names}
    catalogues = {name: Catalogue(sdk) for name, sdk in clients.items()}
    return Sunset(settings.tasks, catalogues=catalogues, teachers=teachers, store=store, clock=clock, owner=owner)


def _delivery(settings: Settings, store: Store, clock: Clock) -> Delivery:
    built = {name: WebhookNotifier(value, name=name) for name, value in settings.notifiers.items()}
    chosen = {name: [built[notifier] for notifier in task.signal.notify] for name, task in settings.tasks.items()}
    updates = [name for name, task in settings.tasks.items() if task.signal.updates]
    return Delivery(chosen, store=store, clock=clock, updates=updates)


def _reports(settings: Settings, path: Path, store: Store, clock: Clock, owner: str) -> ReportSchedule:
    root = Path(settings.root)
    return ReportSchedule(
        settings.tasks,
        store=store,
        files=ReportFiles(root),
        make=functools.partial(make_report, path),
        clock=clock,
        owner=owner,
        workspace=root / _WORKSPACE,
    )

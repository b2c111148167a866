"""Composition root of the monitors: settings to running loops, two for each task and one for deliveries."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.metrics import RELOAD_TIMESTAMP
from adapters.notifiers.webhook import WebhookNotifier
from adapters.stores.sqlite import from_url
from domain import tasks
from domain.clock import SystemClock
from domain.comparers import comparer
from domain.reload import ReloadMark
from embedders import app as embedders
from monitors.delivery import Delivery
from monitors.pairing import Pairing
from monitors.safety import Safety
from monitors.teacher import Teacher, client
from monitors.watch import Watch
from monitors.worker import Steps, keep_going
from policies import app as policies

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import Settings, TaskSettings
    from domain.store import Store

_LOG = logging.getLogger(__name__)
_ALL = "all"


class Monitors:
    """All loops of one worker process."""

    def __init__(
        self,
        loops: Sequence[tuple[str, Steps]],
        *,
        store: Store,
        teachers: Sequence[Teacher],
        delivery: Delivery,
        mark: ReloadMark,
    ) -> None:
        self._loops = [*loops, (_ALL, delivery)]
        self._store = store
        self._mark = mark
        self._teachers = teachers
        self._delivery = delivery

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
        for teacher in self._teachers:
            await teacher.aclose()
        await self._delivery.aclose()
        await self._store.aclose()


def build(settings: Settings, *, since: float, clock: Clock | None = None) -> Monitors:
    """The monitors for these settings, which were read at `since`.  Loads the embedders, which takes seconds.

    Raises:
        ModelError: weights are missing.
        ConfigError: a comparer or a price is unknown, or a policy cannot be used.
    """
    clock = clock or SystemClock()
    store = from_url(settings.store.url, Path(settings.root))
    owner = f"monitors-{secrets.token_hex(4)}"
    used = {task.drift.embedder for task in settings.tasks.values()}
    loaded = {name: embedders.build(settings.embedders[name]) for name in sorted(used)}
    teachers = {name: _teacher(settings, task) for name, task in settings.tasks.items()}
    loops: list[tuple[str, Steps]] = []
    for name, task in settings.tasks.items():
        embedder, safety = loaded[task.drift.embedder], Safety(policies.build(settings, name, clock=clock))
        watch = Watch(name, task, store=store, embedder=embedder, safety=safety, clock=clock, owner=owner)
        pairing = _pairing(settings, name, store, teachers[name], safety=safety, clock=clock, owner=owner)
        loops += [(name, watch), (name, pairing)]
    delivery = _delivery(settings, store, clock)
    mark = ReloadMark(store, since=since)
    RELOAD_TIMESTAMP.set(since)
    return Monitors(loops, store=store, teachers=list(teachers.values()), delivery=delivery, mark=mark)


def _teacher(settings: Settings, task: TaskSettings) -> Teacher:
    upstream = settings.upstreams[task.teacher.upstream]
    sdk = client(upstream, timeout_s=task.shadow.timeout_s, root=Path(settings.root))
    return Teacher(task.teacher, sdk, shadow=task.shadow)


def _pairing(
    settings: Settings, name: str, store: Store, teacher: Teacher, *, safety: Safety, clock: Clock, owner: str
) -> Pairing:
    task, path = settings.tasks[name], f"tasks.{name}"
    return Pairing(
        name,
        task,
        store=store,
        teacher=teacher,
        price=task.teacher.priced(path=f"{path}.teacher"),
        comparer=comparer(task.comparer, path=f"{path}.agreement.comparer"),
        safety=safety,
        clock=clock,
        owner=owner,
    )


def _delivery(settings: Settings, store: Store, clock: Clock) -> Delivery:
    built = {name: WebhookNotifier(value, name=name) for name, value in settings.notifiers.items()}
    chosen = {name: [built[notifier] for notifier in task.signal.notify] for name, task in settings.tasks.items()}
    return Delivery(chosen, store=store, clock=clock)

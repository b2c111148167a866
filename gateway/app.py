"""Composition root of the gateway: settings to an ASGI application.  The order of a request is the list in `_stack`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.stores.sqlite import from_url
from adapters.upstreams.openai_http import OpenAIUpstream
from domain.clock import SystemClock
from domain.errors import StoreError
from gateway import journal, metrics
from gateway.authorize import Authorize
from gateway.dialects.chat.dialect import ChatDialect
from gateway.dialects.completions.dialect import CompletionsDialect
from gateway.dialects.embeddings.dialect import EmbeddingsDialect
from gateway.dialects.responses.dialect import ResponsesDialect
from gateway.endpoints import Endpoints
from gateway.journal import Journal
from gateway.judging import Judging
from gateway.keyring import Keyring
from gateway.ledger import Ledger
from gateway.limits import BodyLimit, Concurrency, Errors
from gateway.outages import Outages
from gateway.pipeline import Pipeline
from gateway.registry import Registry
from gateway.reload import reloadable
from gateway.request import TaskRoute
from gateway.resilience.group import Group
from gateway.resilience.metrics import UpstreamMetrics
from gateway.site import site
from gateway.storing import Storing
from gateway.swap import Swap
from policies import app as policies

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from domain.clients import StoredCompletion
    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.records import Exchange
    from domain.settings import Settings
    from domain.store import Store

_FIRST_SNAPSHOT_S = 2.0
_DRAIN_S = 10.0
_CLOSE_S = 2.0

DIALECTS = (ChatDialect(), ResponsesDialect(), CompletionsDialect(), EmbeddingsDialect())


class Records:
    """What outlives a reload: the store, and what waits to be written to it."""

    def __init__(self, store: Store, *, queue: int) -> None:
        self.store = store
        self.exchanges: Journal[Exchange] = Journal(
            store,
            store.append,
            size=journal.exchange_size,
            most=queue,
            dropped=metrics.JOURNAL_DROPPED.inc,
            waiting=metrics.JOURNAL_QUEUE.set,
        )
        self.completions: Journal[StoredCompletion] = Journal(
            store,
            store.put_completions,
            size=journal.completion_size,
            most=queue,
            dropped=metrics.STORED_DROPPED.inc,
        )

    def start(self) -> None:
        """Begin to write."""
        self.exchanges.start()
        self.completions.start()

    async def aclose(self) -> None:
        """Write what waits, and close the store."""
        await asyncio.gather(self.exchanges.aclose(timeout_s=_DRAIN_S), self.completions.aclose(timeout_s=_DRAIN_S))
        with contextlib.suppress(TimeoutError, StoreError):  # a stalled disk must not keep the process alive
            await asyncio.wait_for(self.store.aclose(), _CLOSE_S)


class Gateway:
    """The gateway for one state of the configuration: `app` answers from `start` to `aclose`."""

    def __init__(
        self, settings: Settings, *, records: Records, upstreams: Mapping[str, Sequence[Upstream]], clock: Clock
    ) -> None:
        """`upstreams` has the replicas of each.

        Raises:
            ConfigError: a policy or a price cannot be used.
        """
        self._registry = Registry(records.store, settings.tasks)
        self._keyring = Keyring(records.store) if settings.server.wants_keys else None
        self._groups = {
            name: Group(name, replicas, settings.upstreams[name], metrics=UpstreamMetrics(name, len(replicas)))
            for name, replicas in upstreams.items()
        }
        self._first = {name: replicas[0] for name, replicas in upstreams.items()}
        self._pool = policies.new_pool(settings)
        outages = Outages()
        routes = {name: self._route(settings, name, outages=outages, clock=clock) for name in settings.tasks}
        self.app = self._stack(settings, routes, records=records, clock=clock)

    async def start(self) -> None:
        """Read what the store knows of students and keys, if it answers soon."""
        await self._registry.start(timeout_s=_FIRST_SNAPSHOT_S)
        if self._keyring is not None:
            await self._keyring.start(timeout_s=_FIRST_SNAPSHOT_S)

    async def aclose(self) -> None:
        """Stop reading the store, and close the connections to the models."""
        await self._registry.aclose()
        if self._keyring is not None:
            await self._keyring.aclose()
        for group in self._groups.values():
            await group.aclose()
        await self._pool.aclose()

    def _stack(self, settings: Settings, routes: dict[str, TaskRoute], *, records: Records, clock: Clock) -> ASGIApp:
        """The order in which a request meets each layer, from the outside in."""
        server = settings.server
        layers: list[tuple[Any, dict[str, Any]]] = [
            (Errors, {"refused": metrics.refused}),
            (Concurrency, {"most": server.max_concurrency}),
            *(
                [(Authorize, {"keyring": self._keyring, "clock": clock, "share": server.workers})]
                if self._keyring
                else []
            ),
            (BodyLimit, {"most_bytes": server.max_body_bytes}),
            (
                Endpoints,
                {
                    "dialects": DIALECTS,
                    "routes": routes,
                    "offer": records.exchanges.offer,
                    "storing": Storing(records.completions.offer, now_s=clock.now_s),
                    "clock": clock,
                },
            ),
        ]
        app: ASGIApp = site(sorted(routes), records.store)
        for layer, arguments in reversed(layers):
            app = layer(app, **arguments)
        return app

    def _route(self, settings: Settings, name: str, *, outages: Outages, clock: Clock) -> TaskRoute:
        task, path = settings.tasks[name], f"tasks.{name}"
        task_metrics = metrics.TaskMetrics(name)
        teacher, student = task.teacher.priced(path=f"{path}.teacher"), task.student.priced(path=f"{path}.student")
        ledger = Ledger(task_metrics, teacher=teacher, student=student)
        engine = policies.build(settings, name, clock=clock, pool=self._pool, upstreams=self._first)
        pipeline = Pipeline(
            name,
            task,
            upstreams=self._groups,
            stream_usage=frozenset(name for name, value in settings.upstreams.items() if value.stream_usage),
            judging=Judging(engine, task_metrics),
            registry=self._registry,
            metrics=task_metrics,
            ledger=ledger,
            outages=outages,
            clock=clock,
        )
        return TaskRoute(
            name=name,
            pipeline=pipeline,
            metrics=task_metrics,
            ledger=ledger,
            policy=engine.sha256,
            journal_rate=task.journal.rate,
            total_timeout_s=task.total_timeout_s,
            sticky_header=task.canary.sticky_header.lower().encode(),
            tenant_header=task.tenant_header.lower().encode(),
        )


def build(settings: Settings, *, load: Callable[[], Settings], since: float, clock: Clock | None = None) -> ASGIApp:
    """The gateway for these settings, read at `since` (wall clock), with its real store and upstreams.

    It reads them again with `load` at SIGHUP and when the store says so.

    Raises:
        ConfigError: a policy, a price or an upstream cannot be used.
    """
    clock = clock or SystemClock()
    store = from_url(settings.store.url, Path(settings.root))
    records = Records(store, queue=_queue(settings))

    def generation(fresh: Settings) -> Gateway:
        return Gateway(fresh, records=records, upstreams=_upstreams(fresh), clock=clock)

    return reloadable(settings, build=generation, load=load, records=records, store=store, since=since, clock=clock)


def assemble(settings: Settings, *, store: Store, upstreams: Mapping[str, Sequence[Upstream]], clock: Clock) -> ASGIApp:
    """The gateway on a given store and given upstreams; it keeps its settings."""
    records = Records(store, queue=_queue(settings))
    gateway = Gateway(settings, records=records, upstreams=upstreams, clock=clock)

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        records.start()
        async with swap:
            yield
        await records.aclose()

    swap = Swap(gateway, lifespan=lifespan)
    return swap


def _upstreams(settings: Settings) -> dict[str, list[Upstream]]:
    """Every upstream with its replicas.

    Raises:
        ConfigError: a base URL names no host, or a key or a certificate file cannot be used.
    """
    root = Path(settings.root)
    return {
        name: [OpenAIUpstream(value, name=name, base_url=url, root=root) for url in (value.base_url, *value.replicas)]
        for name, value in settings.upstreams.items()
    }


def _queue(settings: Settings) -> int:
    return max(task.journal.queue for task in settings.tasks.values())

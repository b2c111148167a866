"""Outcomes, attempts and groups for the tests of resilience."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import REGISTRY

from adapters.upstreams.replay import ReplayUpstream, Scripted
from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, Upstream
from domain.settings import BreakerSettings, UpstreamSettings
from gateway.resilience.group import Group
from gateway.resilience.metrics import UpstreamMetrics
from gateway.resilience.replica import Replica

FAR = 1e12  # loop time that no test reaches
_NUMBERS = itertools.count()


class Answer:
    """A whole answer."""

    def __init__(self, status: int = 200, headers: Headers = (), body: bytes = b"") -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def when_closed(self, callback: Callable[[bool], None]) -> None:
        """See `gateway.resilience.outcome.Outcome`."""
        callback(True)


class Stream:
    """A stream that has begun."""

    status = 200
    headers: Headers = ()

    def __init__(self) -> None:
        self.closed = False
        self._callbacks: list[Callable[[bool], None]] = []

    def when_closed(self, callback: Callable[[bool], None]) -> None:
        """See `gateway.resilience.outcome.Outcome`."""
        self._callbacks.append(callback)

    def end(self, *, well: bool = True) -> None:
        """The stream is over."""
        self.closed = True
        while self._callbacks:
            self._callbacks.pop()(well)

    async def aclose(self) -> None:
        """Leave it."""
        self.end()


def error(kind: UpstreamFailure = UpstreamFailure.CONNECT) -> UpstreamError:
    """A failure of an upstream."""
    return UpstreamError(kind, f"it failed: {kind}")


def settings(*, replicas: int = 1, **options: Any) -> UpstreamSettings:
    """Settings of an upstream with so many replicas in all."""
    more = tuple(f"http://replica-{number}" for number in range(1, replicas))
    return UpstreamSettings(base_url="http://replica-0", replicas=more, **options)


def name() -> str:
    """An upstream's name that no other test has, because metrics are one for the process."""
    return f"upstream-{next(_NUMBERS)}"


def replicas(count: int, **options: Any) -> list[Replica]:
    """Replicas of one upstream; `options` are those of the breaker."""
    upstream = name()
    gauges = UpstreamMetrics(upstream, count).breaker_open
    breaker = BreakerSettings(**options)
    return [Replica(upstream, n, ReplayUpstream([]), breaker, breaker_open=gauges[n]) for n in range(count)]


OK = Scripted(chunks=(b"yes",))
BUSY = Scripted(status=503, chunks=(b"busy",))
DOWN = Scripted(error=error())


def always(scripted):
    """The same answer to every request."""
    return lambda request: scripted


def status(code, **headers):
    """An upstream's error."""
    named = tuple((key.replace("_", "-").encode(), value.encode()) for key, value in headers.items())
    return Scripted(status=code, headers=named, chunks=(b"error",))


def task(coroutine):
    """Run it beside the test."""
    return asyncio.get_running_loop().create_task(coroutine)


async def settle():
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Lab:
    """A group over replay upstreams, one for each script, that never pauses before a retry."""

    def __init__(self, *scripts: Callable[[Any], Scripted] | Iterable[Scripted], clock: Any = None, **options: Any):
        self.name = name()
        self.upstreams = [ReplayUpstream(script) for script in scripts]
        configured = settings(replicas=len(scripts), **options)
        metrics = UpstreamMetrics(self.name, len(scripts))
        more = {} if clock is None else {"clock": clock}
        self.group = Group(self.name, self.upstreams, configured, metrics=metrics, random=lambda: 0.0, **more)

    @property
    def asked(self) -> list[int]:
        """How many requests each replica got."""
        return [len(upstream.requests) for upstream in self.upstreams]

    async def ask(self, *, deadline: float = FAR) -> Answer:
        """One call for a whole answer."""
        return await self.group.call(ask, deadline=deadline, streams=False)

    def number(self, metric: str, **labels: str) -> float:
        """The value of one of our metrics."""
        found = REGISTRY.get_sample_value(f"preceptor_upstream_{metric}", {"upstream": self.name, **labels})
        return found or 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is held any more."""
        slots = self.group._attempts._slots
        outstanding = sum(replica.outstanding for replica in self.group._replicas)
        return (slots.running, slots.waiting, outstanding, self.number("waiting")) == (0, 0, 0, 0.0)


async def ask(upstream: Upstream, deadline: float) -> Answer:
    """An attempt."""
    reply = await upstream.complete("/chat/completions", b"{}")
    return Answer(reply.status, reply.headers, reply.body)

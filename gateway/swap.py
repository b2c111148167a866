"""Exchanges the whole application under running traffic: new requests meet the new one, running ones keep the old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, Self

from domain import tasks
from domain.errors import PreceptorError

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send

_LOG = logging.getLogger(__name__)
_DRAIN_S = 600.0


class Generation(Protocol):
    """All that was built from one reading of the configuration."""

    @property
    def app(self) -> ASGIApp:
        """Answers requests; never sees the lifespan."""
        ...

    async def start(self) -> None:
        """Begin the background work.  May raise: the generation is then closed and never serves."""
        ...

    async def aclose(self) -> None:
        """End the background work and close the connections to upstreams.  Also closes what has not started."""
        ...


class _Serving:
    """A generation and the requests that it has."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.app = generation.app
        self.running = 0
        self.idle: asyncio.Event | None = None  # there is one when a newer generation has taken over


class Swap:
    """An ASGI application that passes each request to the current generation.

    Use it as a context while it serves: entering starts the first generation, leaving closes all.

    Args:
        first: the generation to begin with.
        lifespan: what an ASGI server's lifespan spans; None: this context alone.
        drain_s: how long a replaced generation may finish its requests before its connections are closed.
    """

    def __init__(
        self,
        first: Generation,
        *,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
        drain_s: float = _DRAIN_S,
    ) -> None:
        self._current = _Serving(first)
        self._lifespan = lifespan or (lambda: self)
        self._drain_s = drain_s
        self._draining: dict[asyncio.Task[None], asyncio.Event] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        serving = self._current
        serving.running += 1
        try:
            await serving.app(scope, receive, send)
        finally:
            serving.running -= 1
            if serving.idle is not None and not serving.running:
                serving.idle.set()

    async def __aenter__(self) -> Self:
        await _started(self._current.generation)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for idle in self._draining.values():  # the server has waited for the requests that it wanted to wait for
            idle.set()
        await asyncio.gather(*self._draining)
        await _close(self._current.generation)

    async def replace(self, generation: Generation) -> None:
        """Start a generation, then give it every new request.

        Raises:
            Exception: what its start raised; it has been closed, and the generation before goes on.
        """
        await _started(generation)
        old, self._current = self._current, _Serving(generation)
        old.idle = asyncio.Event()
        if not old.running:
            old.idle.set()
        draining = tasks.spawn(self._retire(old, old.idle), name="generation-drain")
        self._draining[draining] = old.idle
        draining.add_done_callback(self._draining.pop)

    async def _retire(self, old: _Serving, idle: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(idle.wait(), self._drain_s)
        except TimeoutError:
            _LOG.warning("generation_not_drained requests=%s after_s=%s", old.running, self._drain_s)
        await _close(old.generation)

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan protocol of ASGI."""
        phase = "startup"
        await receive()
        try:
            async with self._lifespan():
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except Exception as error:
            text = str(error) if isinstance(error, PreceptorError) else type(error).__name__
            await send({"type": f"lifespan.{phase}.failed", "message": text})
            raise
        await send({"type": "lifespan.shutdown.complete"})


async def _started(generation: Generation) -> None:
    try:
        await generation.start()
    except BaseException:
        await _close(generation)
        raise


async def _close(generation: Generation) -> None:
    try:
        await generation.aclose()
    except Exception as error:  # noqa: BLE001 - the generation that serves must not end with one that does not
        _LOG.exception("generation_not_closed error=%s", type(error).__name__)

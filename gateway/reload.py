"""Reload of the gateway: a file that can be used becomes a new generation, any other file changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Protocol

from adapters.reload import Reloader
from domain.reload import require_reloadable
from gateway.swap import Swap

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import Settings
    from domain.store import Store
    from gateway.swap import Generation


class Renewal:
    """Reads settings, builds a generation by them and swaps it in.  `settings` are those in force.

    Args:
        settings: what the current generation was built from.
        load: reads the file.
        build: a generation that has not started; runs in a thread, beside traffic, and must not need the event loop.
        swap: whom to give it to.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[], Settings],
        build: Callable[[Settings], Generation],
        swap: Swap,
    ) -> None:
        self.settings = settings
        self._load = load
        self._build = build
        self._swap = swap

    async def apply(self) -> Settings:
        """Put the file in force; returns its settings.

        Raises:
            ConfigError: the file or a policy cannot be used, or a change needs a restart.
            Exception: what building or starting raised; in every case the old generation goes on.
        """
        settings, generation = await asyncio.to_thread(self._prepare)
        await self._swap.replace(generation)
        self.settings = settings
        return settings

    def _prepare(self) -> tuple[Settings, Generation]:
        settings = self._load()
        require_reloadable(self.settings, settings)
        return settings, self._build(settings)


class Resident(Protocol):
    """What outlives every generation."""

    def start(self) -> None:
        """Begin, before the first generation does."""
        ...

    async def aclose(self) -> None:
        """End, after the last generation has."""
        ...


def reloadable(
    settings: Settings,
    *,
    build: Callable[[Settings], Generation],
    load: Callable[[], Settings],
    records: Resident,
    store: Store,
    since: float,
    clock: Clock,
) -> Swap:
    """The application of a gateway process, which reloads at SIGHUP and at a new mark in the store.

    `since`: when `settings` were read, in wall-clock seconds; the rest as for `Renewal` and `Reloader`.

    Raises:
        ConfigError: `build` cannot use the settings.
    """

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        records.start()
        try:
            async with swap, reloader.listening():
                yield
        finally:
            await records.aclose()

    swap = Swap(build(settings), lifespan=lifespan)
    renewal = Renewal(settings, load=load, build=build, swap=swap)
    reloader = Reloader(renewal.apply, store=store, since=since, clock=clock)
    return swap

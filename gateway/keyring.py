"""Who may call: the active client keys, a snapshot that is refreshed beside the traffic, never on it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import logging
from typing import TYPE_CHECKING

from domain import tasks
from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Container

    from domain.clients import ClientKey
    from domain.store import Store

_LOG = logging.getLogger(__name__)


class Keyring:
    """Finds the key of a secret; keeps the old snapshot while the store cannot be read."""

    def __init__(self, store: Store, *, interval_s: float = 1.0) -> None:
        self._store = store
        self._interval_s = interval_s
        self._by_hash: dict[str, ClientKey] = {}
        self._ids: frozenset[str] = frozenset()
        self._ready = False
        self._tried = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether there is a snapshot; until then nobody can be told from anybody."""
        return self._ready

    @property
    def ids(self) -> Container[str]:
        """Ids of the active keys."""
        return self._ids

    def find(self, secret: bytes) -> ClientKey | None:
        """The active key with this secret, as of `interval_s` ago.

        Hashes are looked up, never secrets compared, so the time it takes tells nothing about a secret.
        """
        return self._by_hash.get(_sha256(secret))

    async def start(self, *, timeout_s: float) -> None:
        """Refresh in the background, at once and then every `interval_s`; wait `timeout_s` for the first time."""
        self._poller = tasks.spawn(self._poll(), name="keyring")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), timeout_s)

    async def aclose(self) -> None:
        """Stop refreshing."""
        if self._poller is not None:
            await tasks.cancel(self._poller)

    async def refresh(self) -> None:
        """Read the store once.

        Raises:
            StoreError: it cannot be read; the snapshot is as it was.
        """
        active = [key for key in await self._store.keys() if key.revoked_at is None]
        self._by_hash = {key.sha256: key for key in active}
        self._ids = frozenset(key.id for key in active)
        self._ready = True

    async def _poll(self) -> None:
        healthy, told = False, False
        while True:
            try:
                if not healthy:
                    await self._store.start()
                await self.refresh()
                healthy, told = True, False
            except StoreError as error:
                if not told:
                    _LOG.warning("keyring_not_refreshed error=%s", error)
                healthy, told = False, True
            self._tried.set()
            await asyncio.sleep(self._interval_s)


@functools.lru_cache(maxsize=256)  # a client asks again and again; a head's bound is 64 KiB, so this one's is 16 MiB
def _sha256(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()

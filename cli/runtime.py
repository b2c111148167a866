"""What commands share when they work on a running installation: its store, opened and closed, and its embedder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.stores.sqlite import from_url

if TYPE_CHECKING:
    from domain.settings import Settings
    from domain.store import Store


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings.

    Raises:
        StoreError: it cannot be opened.
    """
    store = from_url(settings.store.url, Path(settings.root))
    await store.start()
    try:
        yield store
    finally:
        await store.aclose()

from __future__ import annotations

import pytest

from cli.runtime import opened_store
from domain import config
from domain.errors import StoreError


async def test_the_store_is_opened_and_closed(installation):
    """Inside the block the store works, after it it must be closed."""
    async with opened_store(config.load(installation.config)) as store:
        assert await store.deployment("tickets") is None
    with pytest.raises((StoreError, RuntimeError)):
        await store.deployment("tickets")

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from adapters.stores.sqlite import SqliteStore
from domain.store import Store
from tests.contract.check_store import CHECKS
from tests.contract.store_samples import OpenStore


@pytest.fixture
async def open_sqlite(tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens one file as often as a check wants; closes all at the end."""
    stores: list[SqliteStore] = []

    async def open_store() -> Store:
        stores.append(SqliteStore(tmp_path / "var" / "preceptor.db"))
        await stores[-1].start()
        return stores[-1]

    yield open_store
    for store in stores:
        await store.aclose()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_sqlite_store_keeps_to_the_port(
    check: Callable[[OpenStore], Awaitable[None]], open_sqlite: OpenStore
) -> None:
    """Each check of the contract holds for the embedded store."""
    await check(open_sqlite)

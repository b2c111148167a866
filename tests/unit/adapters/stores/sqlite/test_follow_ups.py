from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.stores.sqlite import SqliteStore
from domain.follow_up import Tally
from domain.store import WorkBatch


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store; what it must keep to is in tests/contract/check_store_follow_ups.py."""
    opened = SqliteStore(tmp_path / "p.db")
    await opened.start()
    yield opened
    await opened.aclose()


async def test_hours_are_found_by_their_key(store: SqliteStore) -> None:
    """A series of years is read from its last month without a walk over the rest."""
    await store.commit(WorkBatch(owner="a", at=0.0, tallies=[Tally(task="t", series="s", hour=1, body=b"x")]))
    plan = await store._database.read(
        lambda db: db.execute(
            "EXPLAIN QUERY PLAN SELECT body FROM tallies WHERE task = 't' AND series = 's' AND hour >= 5 ORDER BY hour"
        ).fetchall()
    )
    assert [row[-1] for row in plan] == ["SEARCH tallies USING PRIMARY KEY (task=? AND series=? AND hour>?)"]

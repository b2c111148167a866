from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.stores.sqlite import SqliteStore, chronicle


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store; what it must keep to is in tests/contract/check_store_chronicle.py."""
    opened = SqliteStore(tmp_path / "p.db")
    await opened.start()
    yield opened
    await opened.aclose()


@pytest.mark.parametrize(
    ("query", "values", "search"),
    [
        (chronicle._WATCHED, {"after": 5}, "SEARCH exchanges USING INDEX exchanges_in_watching_order (watched>?)"),
        (chronicle._CLOSED, {"after": 5}, "SEARCH pairs USING INDEX pairs_in_closing_order (task=? AND closed_seq>?)"),
    ],
)
async def test_a_page_costs_what_is_read(store: SqliteStore, query: str, values: dict, search: str) -> None:
    """No page sorts, or walks over, the rows of the pages before it or after it."""
    asked = values | {"task": "t", "limit": 10}
    plan = await store._database.read(lambda db: db.execute(f"EXPLAIN QUERY PLAN {query}", asked).fetchall())
    told = [row[-1] for row in plan]
    assert told[0] == search
    assert not any("TEMP B-TREE" in step for step in told)

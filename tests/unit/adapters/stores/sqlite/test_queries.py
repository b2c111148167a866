from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from adapters.stores.sqlite import queries
from adapters.stores.sqlite.schema import migrate
from domain.records import PairState, SignalKind

QUERIES = {name: text for name, text in vars(queries).items() if name.isupper() and not name.startswith("_")}
VALUES = {
    "task": "t", "after": 0, "model": "", "limit": 5, "ids": "[]", "since": 0, "reference_id": "r", "id": "b",
    "owner": "o", "at": 0, "seq": 0, "metadata": "[]",
}  # fmt: skip
# One row for each blob or id asked for, sorted: bounded by the question, not by the store.
MAY_SORT = {"PAIRS", "EXCHANGES_BY_ID"}
IN_MEMORY = ("SCAN wanted VIRTUAL", "SCAN json_each VIRTUAL", "SCAN CONSTANT")


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """A store in memory."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    migrate(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_walks_an_index(name: str, connection: sqlite3.Connection) -> None:
    """No query scans a table or sorts one, so the store does not slow down as it grows."""
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {QUERIES[name]}", VALUES)]
    tables = [line for line in plan if line.startswith(("SCAN", "SEARCH")) and "subquery" not in line]
    for line in tables:
        assert "USING" in line or line.startswith(IN_MEMORY), plan
    assert name in MAY_SORT or not any("TEMP B-TREE" in line for line in plan), plan


def test_the_states_in_the_texts_are_those_of_the_domain() -> None:
    """Words in SQL cannot be checked by types."""
    texts = " ".join(QUERIES.values())
    assert f"'{PairState.PENDING}'" in texts
    assert f"'{SignalKind.RETRAIN}'" in texts

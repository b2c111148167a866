"""How the parts of the store reach their tables: the database, and the two ways of asking it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from adapters.stores.sqlite.database import Database

T = TypeVar("T")


class Tables:
    """The database behind a part of the store; the parts together are one `domain.store.Store`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    async def _all(self, make: Callable[..., T], query: str, **values: object) -> list[T]:
        """What `make` makes of each row.  Decoding, too, is work for the store's thread."""
        return await self._database.read(lambda db: [make(*row) for row in db.execute(query, values)])

    async def _write(self, statement: str, *values: object) -> int:
        """The number of rows that a statement changed."""
        return await self._database.write(lambda db: _changed(db, statement, values))


def _changed(db: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> int:
    return db.execute(statement, values).rowcount

"""One SQLite connection on a thread of its own, so that no event loop ever waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from adapters.stores.sqlite.schema import migrate
from domain.errors import StoreError

T = TypeVar("T")

_BUSY_S = 5.0  # how long to wait for another process that is writing


class Database:
    """Runs functions on the connection, one at a time, in the order in which they were asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, creating it and its folder; may be called again after it failed.

        Raises:
            StoreError: the file cannot be opened, is no store, or is of a newer release.
        """
        await self._in_thread(self._open)

    async def close(self) -> None:
        """Finish what was asked for and close."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The result of a function that only reads.

        Raises:
            StoreError: the database refused.
        """
        return await self._in_thread(lambda: query(self._opened()))

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """The result of a function that writes, in one transaction: all of it or, when it raises, nothing.

        Raises:
            StoreError: the database refused; nothing was written.
        """
        return await self._in_thread(lambda: self._transaction(change))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def translated() -> T:
            try:
                return work()
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"store {self._path}: {error}; {_advice(error)}") from None

        return await asyncio.get_running_loop().run_in_executor(self._thread, translated)

    def _open(self) -> None:
        if self._connection is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "PRAGMA synchronous = NORMAL"
            )  # a crash of ours loses nothing, a power cut the last commits
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"store {self._path} is not open")
        return self._connection

    def _transaction(self, change: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = change(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # SQLite has rolled back by itself after some errors
                connection.execute("ROLLBACK")
            raise
        return result


def _advice(error: Exception) -> str:
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return "free disk space: what waits in memory is written then"
    if "locked" in text:
        return "another process has held it for too long"
    if "not a database" in text or "malformed" in text:
        return "restore it from a copy, or move it away to start empty"
    return "check that folder and file are writable"

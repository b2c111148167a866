"""One SQLite connection on a thread of its own, so that no event loop ever waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from adapters.stores.sqlite.schema import migrate
from domain.errors import StoreError

T = TypeVar("T")

_BUSY_S = 5.0  # how long to wait for another process that is writing
_RETRY_S = 0.01
# Beside SQLite's own: a folder that cannot be made, a row of another shape, a number or text that SQLite cannot hold.
_REFUSALS = (sqlite3.Error, OSError, msgspec.MsgspecError, OverflowError, UnicodeError)


class Database:
    """Runs functions on the connection, one at a time, in the order in which they were asked for."""

    def __init__(self, path: Path, *, busy_s: float = _BUSY_S) -> None:
        self._path = path
        self._busy_s = busy_s
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, creating it and its folder; may be called again after it failed.

        Raises:
            StoreError: the file cannot be opened, is no store, or is of a newer release.
        """
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        await self._in_thread(self._open)

    async def close(self) -> None:
        """Finish what was asked for and close; closing what is closed does nothing."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown()

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
            except _REFUSALS as error:
                raise StoreError(f"store {self._path}: {error}; {_advice(error)}") from None

        if self._thread is None:
            raise self._not_open()
        return await asyncio.get_running_loop().run_in_executor(self._thread, translated)

    def _open(self) -> None:
        deadline_s = time.monotonic() + self._busy_s
        while self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.OperationalError as error:
                # Two processes that make a new file a WAL file at once: SQLite refuses one of them without waiting.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                    raise
                time.sleep(_RETRY_S)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=self._busy_s, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # A crash of ours loses nothing; a power cut may lose the last commits, never the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -512")  # KiB; what is read again lies in the system's cache anyway
            with transaction(connection):
                migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise self._not_open()
        return self._connection

    def _transaction(self, change: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        with transaction(connection):
            return change(connection)

    def _not_open(self) -> StoreError:
        return StoreError(f"store {self._path} is not open; call start() first")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what the block writes, or nothing when it raises.  Takes the write lock at once, so that it waits once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite has rolled back by itself after some errors
            connection.execute("ROLLBACK")
        raise


def _advice(error: Exception) -> str:
    text = str(error).lower()
    if isinstance(error, sqlite3.IntegrityError):
        return "that value is taken already; choose another"
    if "full" in text or "no space" in text:
        return "free disk space and try again"
    if "locked" in text:
        return "another process has held it for too long; try again"
    if "not a database" in text or "malformed" in text:
        return "restore it from a copy, or move it away to start empty"
    if isinstance(error, (msgspec.MsgspecError, OverflowError, UnicodeError)):
        return "a value does not fit the schema of this release"
    return "check that folder and file are writable"

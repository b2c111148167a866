from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adapters.stores.sqlite import database as database_module
from adapters.stores.sqlite import schema
from adapters.stores.sqlite.database import Database, transaction
from domain.errors import StoreError


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open database with a table of numbers; it waits 50 ms for others."""
    opened = Database(tmp_path / "p.db", busy_s=0.05)
    await opened.open()
    await opened.write(lambda db: db.execute("CREATE TABLE numbers (n INTEGER UNIQUE)").fetchall())
    yield opened
    await opened.close()


async def numbers(database: Database) -> list[int]:
    """What is in the table."""
    return await database.read(lambda db: [n for (n,) in db.execute("SELECT n FROM numbers ORDER BY n")])


def insert(*values: int) -> Callable[[sqlite3.Connection], None]:
    """A change that writes some numbers."""

    def change(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO numbers VALUES (?)", [(value,) for value in values])

    return change


async def test_a_file_opens_in_wal_mode_with_its_folders(tmp_path: Path) -> None:
    """Readers and the writer of several processes do not block each other; missing folders are made."""
    path = tmp_path / "new" / "folder" / "p.db"
    database = Database(path)
    await database.open()
    assert await database.read(lambda db: db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    assert await database.read(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (1,)
    await database.close()
    assert path.exists()


async def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    """All of a transaction, or none of it; the next one works."""
    with pytest.raises(StoreError, match="UNIQUE"):
        await database.write(insert(1, 2, 1))
    assert await numbers(database) == []
    await database.write(insert(1, 2))
    assert await numbers(database) == [1, 2]


async def test_an_error_of_the_caller_rolls_back_and_passes_through(database: Database) -> None:
    """What is no refusal of the database keeps its own type."""

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (1)")
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await database.write(change)
    assert await numbers(database) == []


async def test_a_full_disk_is_one_clear_line(database: Database) -> None:
    """When the disk is full nothing of the call is written, the error says what to do, and it works again later."""
    await database.write(lambda db: db.execute("CREATE TABLE big (body BLOB)").fetchall())
    (pages,) = await database.read(lambda db: db.execute("PRAGMA page_count").fetchone())
    await database.read(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall())

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (7)")
        connection.execute("INSERT INTO big VALUES (zeroblob(1000000))")

    with pytest.raises(StoreError, match="full; free disk space") as caught:
        await database.write(change)
    assert "\n" not in str(caught.value)
    assert await numbers(database) == []
    await database.read(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchall())
    await database.write(change)
    assert await numbers(database) == [7]


async def test_a_locked_store_is_waited_for_and_then_refused(database: Database, tmp_path: Path) -> None:
    """Another process that holds the write lock delays a write; one that never lets go makes it a StoreError."""
    other = sqlite3.connect(tmp_path / "p.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"locked; another process .*try again"):
        await database.write(insert(1))
    assert await numbers(database) == []
    other.execute("ROLLBACK")
    other.close()
    await database.write(insert(1))


@pytest.mark.parametrize(
    ("content", "advice"),
    [(b"this is a text, not a database\n" * 200, "restore it from a copy"), (None, "check that folder and file")],
    ids=["not a database", "a folder"],
)
async def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes | None, advice: str) -> None:
    """A file or folder in the way gives one line with the path and what to do, and is left as it was."""
    path = tmp_path / "p.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    database = Database(path, busy_s=0.05)
    with pytest.raises(StoreError, match=f"p.db: .*{advice}"):
        await database.open()
    assert content is None or path.read_bytes() == content
    await database.close()


async def test_a_store_that_did_not_open_opens_later(tmp_path: Path) -> None:
    """The journal tries again and again: what was in the way may be gone."""
    (tmp_path / "var").write_text("a file where the folder should be")
    database = Database(tmp_path / "var" / "p.db")
    with pytest.raises(StoreError):
        await database.open()
    (tmp_path / "var").unlink()
    await database.open()
    await database.close()


async def test_a_damaged_file_is_a_store_error(tmp_path: Path) -> None:
    """Damage that shows in the middle of the work is refused in one line, too."""
    path = tmp_path / "p.db"
    database = Database(path)
    await database.open()
    await database.write(lambda db: db.execute("CREATE TABLE big (body BLOB)").fetchall())
    await database.write(lambda db: db.execute("INSERT INTO big VALUES (zeroblob(100000))").fetchall())
    await database.close()
    content = bytearray(path.read_bytes())
    content[-50_000:] = b"\xff" * 50_000  # of the blob: the schema lies before it
    path.write_bytes(content)
    await database.open()
    with pytest.raises(StoreError, match="restore it from a copy"):
        await database.read(lambda db: db.execute("SELECT * FROM big").fetchall())
    await database.close()


async def test_calls_before_open_and_after_close_are_refused(tmp_path: Path) -> None:
    """A store that is not open is a StoreError like any other."""
    database = Database(tmp_path / "p.db")
    with pytest.raises(StoreError, match="not open"):
        await numbers(database)
    await database.open()
    await database.close()
    with pytest.raises(StoreError, match="not open"):
        await database.write(insert(1))


async def test_the_loop_goes_on_while_the_disk_is_slow(database: Database) -> None:
    """Work happens on the database's own thread, one call after another, and close waits for what was asked."""
    go = threading.Event()
    threads: list[str] = []

    def slow(_: sqlite3.Connection) -> None:
        threads.append(threading.current_thread().name)
        go.wait(5)

    calls = [asyncio.ensure_future(database.read(slow)), asyncio.ensure_future(database.write(insert(1)))]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*calls, closing)
    assert threads[0].startswith("sqlite")
    await database.open()
    assert await numbers(database) == [1]


def test_a_transaction_holds_the_write_lock_from_its_first_line(tmp_path: Path) -> None:
    """Two that read and then write never deadlock: the second waits before it reads."""
    first, second = (sqlite3.connect(tmp_path / "p.db", isolation_level=None, timeout=0) for _ in range(2))
    with transaction(first), pytest.raises(sqlite3.OperationalError, match="locked"), transaction(second):
        pass
    with transaction(second):
        pass
    first.close()
    second.close()


async def test_opening_tries_again_when_it_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite does not wait when two processes make a new file a WAL file; we do, so neither of them fails."""
    refusals = iter([sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])

    def refused_twice(connection: sqlite3.Connection) -> None:
        if code := next(refusals, None):
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = code
            raise error
        schema.migrate(connection)

    monkeypatch.setattr(database_module, "migrate", refused_twice)
    database = Database(tmp_path / "p.db")
    await database.open()
    assert await database.read(lambda db: db.execute("SELECT * FROM blobs").fetchall()) == []
    await database.close()


async def test_opening_waits_for_another_that_opens(tmp_path: Path) -> None:
    """A new file that another process has in its hands is waited for, and refused only when it never lets go."""
    other = sqlite3.connect(tmp_path / "p.db", isolation_level=None)
    other.execute("CREATE TABLE t (n)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM t").fetchall()
    with pytest.raises(StoreError, match="locked"):
        await Database(tmp_path / "p.db", busy_s=0.05).open()
    patient = Database(tmp_path / "p.db")
    opening = asyncio.ensure_future(patient.open())
    asyncio.get_running_loop().call_later(0.1, other.execute, "ROLLBACK")
    await opening
    await patient.close()
    other.close()

"""The embedded store between processes: created by several at once, and left by one that was killed."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from adapters.stores.sqlite.database import Database


def _open_and_add(path: Path, barrier: Barrier, value: int) -> None:
    async def run() -> None:
        database = Database(path)
        await database.open()
        await database.write(
            lambda db: db.execute("INSERT INTO blobs VALUES (?, 'k', 0, x'')", (str(value),)).lastrowid
        )
        await database.close()

    barrier.wait()
    asyncio.run(run())


@pytest.mark.slow
def test_processes_may_create_one_store_at_the_same_moment(tmp_path: Path) -> None:
    """`preceptor serve` starts its processes at once: each opens the new file, none fails, nothing is lost."""
    context = multiprocessing.get_context("spawn")
    for turn in range(3):
        path, barrier = tmp_path / str(turn) / "p.db", context.Barrier(4)
        children = [context.Process(target=_open_and_add, args=(path, barrier, number)) for number in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0] * 4
        with sqlite3.connect(path) as connection:
            assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (4,)
        connection.close()


def _write_and_die(path: Path) -> None:
    def change(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO blobs VALUES ('half', 'k', 0, x'')")
        os.kill(os.getpid(), signal.SIGKILL)

    async def run() -> None:
        database = Database(path)
        await database.open()
        await database.write(lambda db: db.execute("INSERT INTO blobs VALUES ('whole', 'k', 0, x'')").lastrowid)
        await database.write(change)

    asyncio.run(run())


@pytest.mark.slow
async def test_a_killed_process_leaves_whole_transactions_only(tmp_path: Path) -> None:
    """Killed within a transaction, a process leaves what it had committed and nothing of the rest, and no lock."""
    child = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path / "p.db",))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    database = Database(tmp_path / "p.db")
    await database.open()
    assert await database.read(lambda db: db.execute("SELECT id FROM blobs").fetchall()) == [("whole",)]
    await database.write(lambda db: db.execute("INSERT INTO blobs VALUES ('more', 'k', 0, x'')").lastrowid)
    await database.close()

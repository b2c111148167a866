from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.stores.sqlite.tables import Tables
from domain.errors import StoreError


class Numbers(Tables):
    """A part of a store."""


@pytest.fixture
async def numbers(tmp_path: Path) -> AsyncIterator[Numbers]:
    """A part of a store, open, with three blobs in it."""
    part = Numbers(tmp_path / "p.db")
    await part._database.open()
    for name in "abc":
        await part._write("INSERT INTO blobs (id, kind, at, body) VALUES (?, 'k', 1.0, x'00')", name)
    yield part
    await part._database.close()


async def test_a_write_says_how_many_rows_it_changed(numbers: Numbers) -> None:
    """None, some or all: whoever asks for a change learns whether there was anything to change."""
    assert await numbers._write("UPDATE blobs SET kind = ? WHERE id = ?", "x", "nobody") == 0
    assert await numbers._write("UPDATE blobs SET kind = ? WHERE id = ?", "x", "a") == 1
    assert await numbers._write("DELETE FROM blobs") == 3


async def test_rows_are_made_on_the_stores_thread(numbers: Numbers) -> None:
    """Decoding a page of large records must not hold up the event loop."""
    threads = set()

    def make(name: str) -> str:
        threads.add(threading.current_thread())
        return name

    assert await numbers._all(make, "SELECT id FROM blobs WHERE id > :after ORDER BY id", after="a") == ["b", "c"]
    assert threads.isdisjoint({threading.current_thread()})
    assert len(threads) == 1


async def test_a_refusal_is_a_store_error(numbers: Numbers) -> None:
    """Both ways of asking report in the port's own terms, and a taken value is told from a broken disk."""
    with pytest.raises(StoreError):
        await numbers._all(str, "SELECT nothing FROM nowhere")
    with pytest.raises(StoreError, match="taken already"):
        await numbers._write("INSERT INTO blobs (id, kind, at, body) VALUES (?, 'k', 1.0, x'00')", "a")

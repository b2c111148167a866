from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from adapters.stores.sqlite import SqliteStore, from_url
from domain.errors import StoreError
from domain.records import Usage
from domain.store import Watched, WorkBatch
from tests.contract.store_samples import TASK, exchange, lease, pair, reading, signal


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open, empty store."""
    opened = SqliteStore(tmp_path / "p.db")
    await opened.start()
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("absolute", [False, True])
async def test_a_url_names_a_file_under_the_root_or_anywhere(tmp_path: Path, absolute: bool) -> None:
    """Three slashes and a relative path start from the root of the configuration; an absolute one stands for itself."""
    path = tmp_path / "elsewhere" / "p.db" if absolute else Path("var/p.db")
    store = from_url(f"sqlite:///{path}", tmp_path)
    await store.start()
    await store.aclose()
    assert (tmp_path / path).exists()


@pytest.mark.parametrize("url", ["postgresql://h/db", "sqlite:p.db", ""])
def test_another_kind_of_url_is_refused(url: str, tmp_path: Path) -> None:
    """The error says which form is understood."""
    with pytest.raises(StoreError, match="use sqlite:///<path>"):
        from_url(url, tmp_path)


def test_building_a_store_touches_no_disk(tmp_path: Path) -> None:
    """Constructors have no side effects."""
    SqliteStore(tmp_path / "var" / "p.db")
    assert list(tmp_path.iterdir()) == []


async def test_a_full_disk_loses_nothing_that_was_written_and_writes_no_half(store: SqliteStore) -> None:
    """Appends fail as a whole with a StoreError while the disk is full; afterwards the same batch goes in."""
    await store.append([exchange(0)])
    await limit_pages(store, extra=1)
    batch = [msgspec.structs.replace(exchange(n), input_text="x" * 5000) for n in range(1, 50)]
    with pytest.raises(StoreError, match="free disk space"):
        await store.append(batch)
    assert [row.exchange for row in await store.exchanges(TASK)] == [exchange(0)]
    await limit_pages(store, extra=10_000)
    await store.append(batch)
    assert (await store.backlog(TASK)).unread == 50


async def test_a_full_disk_takes_no_half_of_a_commit(store: SqliteStore) -> None:
    """The worker's batch is still its own after the failure and may be committed again."""
    await store.append([exchange(0)])
    watched = [Watched(one, 0.5) for one in await lease(store, "a")]
    big = msgspec.structs.replace(pair(0), student_answer="x" * 100_000)
    batch = WorkBatch(owner="a", at=1.0, watched=watched, signals=[signal(1)], readings=[reading(1)], opened=[big])
    await limit_pages(store, extra=1)
    with pytest.raises(StoreError, match="free disk space"):
        await store.commit(batch)
    assert (await store.backlog(TASK)).unread == 1
    assert (await store.signals(TASK), await store.readings(TASK), await store.pairs(TASK)) == ([], [], [])
    await limit_pages(store, extra=10_000)
    await store.commit(batch)
    assert (await store.backlog(TASK)).undelivered_signals == 1


async def test_a_value_that_cannot_be_stored_is_a_store_error(store: SqliteStore) -> None:
    """A number or a text that no format can hold fails its batch with one line, and leaves the store usable."""
    for poisoned in (
        msgspec.structs.replace(exchange(1), usage=Usage(prompt_tokens=2**70)),
        msgspec.structs.replace(exchange(1), input_text="\ud800"),
    ):
        with pytest.raises(StoreError, match="does not fit"):
            await store.append([exchange(0), poisoned])
        assert await store.exchanges(TASK) == []
    await store.append([exchange(0)])


async def test_a_row_of_another_shape_is_a_store_error(store: SqliteStore) -> None:
    """A record that this release cannot read is refused in one line, not with a traceback of the decoder."""
    row = ("odd", TASK, 1.0, "m", msgspec.msgpack.encode({"id": "odd"}))
    await store._write("INSERT INTO exchanges (id, task, at, model, body) VALUES (?, ?, ?, ?, ?)", *row)
    with pytest.raises(StoreError, match="does not fit the schema of this release"):
        await store.exchanges(TASK)
    with pytest.raises(StoreError):
        await lease(store, "a")
    await store.append([exchange(1)])


async def test_a_record_with_a_new_field_can_be_read(store: SqliteStore) -> None:
    """During a rolling upgrade the old release reads what the new one wrote."""
    body = msgspec.msgpack.encode(msgspec.to_builtins(exchange(1), builtin_types=(bytes,)) | {"from_the_future": 1})
    row = (exchange(1).id, TASK, 1.0, "m1", body)
    await store._write("INSERT INTO exchanges (id, task, at, model, body) VALUES (?, ?, ?, ?, ?)", *row)
    assert [row.exchange for row in await store.exchanges(TASK)] == [exchange(1)]


async def limit_pages(store: SqliteStore, *, extra: int) -> None:
    """A disk with room for so many pages more."""
    (pages,) = await store._all(int, "SELECT page_count FROM pragma_page_count()")
    await store._all(int, f"PRAGMA max_page_count = {pages + extra}")

"""The journal: never waits, loses nothing it accepted while it lives, counts what it drops."""

from __future__ import annotations

import asyncio

import pytest

from domain.clients import StoredCompletion
from domain.records import Arm, Exchange
from gateway.journal import Journal, completion_size, exchange_size


def _exchange(number, request=b"{}"):
    return Exchange(
        id=str(number), task="t", at=1.0, arm=Arm.CHAMPION, model="m", draw=0.0, journal_rate=1.0,
        request=request, input_text="", output_text="", status=200, usable=True,
    )  # fmt: skip


def _journal(store, **options):
    return Journal(store, store.append, size=exchange_size, **options)


class Drops:
    """Counts what it is told."""

    def __init__(self):
        self.total = 0

    def __call__(self, count):
        self.total += count


@pytest.fixture
def dropped():
    """How many were dropped."""
    return Drops()


async def test_everything_is_written_in_order_and_in_batches(kit, dropped):
    """What was offered reaches the store in order, at most 100 rows at a time."""
    store, sizes, waiting = kit.MemoryStore(), [], []
    append = store.append

    async def watched(batch):
        sizes.append(len(batch))
        await append(batch)

    store.append = watched
    journal = _journal(store, most=1000, dropped=dropped, waiting=waiting.append)
    journal.start()
    assert all(journal.offer(_exchange(number)) for number in range(250))
    await journal.aclose(timeout_s=5)
    assert [exchange.id for exchange in store.appended] == [str(number) for number in range(250)]
    assert sizes == [100, 100, 50]
    assert waiting == [100, 200, 250, 150, 50, 0]
    assert dropped.total == 0


async def test_a_full_queue_drops_and_counts(kit, dropped):
    """The newest is refused at once, never waited for."""
    journal = _journal(kit.MemoryStore(), most=2, dropped=dropped)
    assert [journal.offer(_exchange(number)) for number in range(5)] == [True, True, False, False, False]
    assert (len(journal), dropped.total) == (2, 3)


async def test_the_queue_is_shown_while_the_store_hangs(kit, dropped):
    """What waits is told as the queue grows, and exactly once it is full, though the writer is stuck."""
    store, waiting, asked, end = kit.MemoryStore(), [], asyncio.Event(), asyncio.Event()

    async def stuck(_):
        asked.set()
        await end.wait()

    store.append = stuck
    journal = _journal(store, most=150, dropped=dropped, waiting=waiting.append)
    journal.start()
    journal.offer(_exchange(0))
    await asked.wait()
    for number in range(1, 151):
        journal.offer(_exchange(number))
    assert waiting == [1, 100, 150]
    end.set()
    await journal.aclose(timeout_s=5)


async def test_memory_is_bounded_by_bytes_too(kit, dropped):
    """A few huge requests fill the queue as well as many small ones."""
    journal = _journal(kit.MemoryStore(), most=1000, most_bytes=100, dropped=dropped)
    assert [journal.offer(_exchange(number, b"a" * 40)) for number in range(4)] == [True, True, False, False]
    journal.start()
    await journal.aclose(timeout_s=5)
    assert journal.offer(_exchange(9, b"a" * 90))


async def test_a_failing_store_loses_nothing(kit, dropped, caplog):
    """While the store fails the batch is kept and tried again; the failure is told once."""
    store = kit.MemoryStore()
    store.broken = True
    journal = _journal(store, most=10, dropped=dropped, retry_s=(0.0,))
    journal.start()
    journal.offer(_exchange(1))
    await kit.until(lambda: store.starts >= 5)
    journal.offer(_exchange(2))
    store.broken = False
    await journal.aclose(timeout_s=5)
    assert [exchange.id for exchange in store.appended] == ["1", "2"]
    assert dropped.total == 0
    assert sum("journal_not_written" in record.message for record in caplog.records) == 1


async def test_what_cannot_be_written_at_the_end_is_counted(kit, dropped):
    """The drain is bounded; what is left counts as dropped."""
    store = kit.MemoryStore()
    store.broken = True
    journal = _journal(store, most=10, dropped=dropped, retry_s=(60.0,))
    journal.start()
    journal.offer(_exchange(1))
    await journal.aclose(timeout_s=0.01)
    assert dropped.total == 1


async def test_rows_that_break_the_store_do_not_end_the_journal(kit, dropped, caplog):
    """An unforeseen error costs its batch, which is counted, and not all later ones."""
    store = kit.MemoryStore()
    append = store.append

    async def poisoned(batch):
        if batch[0].id == "0":
            raise ValueError("unforeseen")
        await append(batch)

    store.append = poisoned
    journal = _journal(store, most=1000, dropped=dropped)
    journal.start()
    for number in range(150):
        journal.offer(_exchange(number))
    await journal.aclose(timeout_s=5)
    assert (len(store.appended), dropped.total) == (50, 100)
    assert "journal_batch_refused" in caplog.text


async def test_closing_an_idle_journal_ends(kit, dropped):
    """Nothing offered, nothing written, no waiting."""
    journal = _journal(kit.MemoryStore(), most=1, dropped=dropped)
    journal.start()
    await asyncio.wait_for(journal.aclose(timeout_s=60), 5)
    await _journal(kit.MemoryStore(), most=1, dropped=dropped).aclose(timeout_s=60)


def test_sizes_are_those_of_the_texts():
    """What fills the memory is what is counted."""
    assert exchange_size(_exchange(1, b"a" * 40)) == 40
    completion = StoredCompletion(
        id="c", owner="", task="t", model="t", at=1.0, metadata={}, request=b"a" * 30, body=b"b" * 12
    )
    assert completion_size(completion) == 42

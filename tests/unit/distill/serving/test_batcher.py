from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from distill.serving.batcher import Batcher, BusyError


class Student:
    """Counts its batches, and waits for a gate before it answers."""

    manifest = SimpleNamespace(model="v1")

    def __init__(self):
        self.batches = []
        self.open = threading.Event()
        self.started = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def probabilities(self, texts):
        self.batches.append(list(texts))
        self._loop.call_soon_threadsafe(self.started.set)
        assert self.open.wait(10)
        if "bad" in texts:
            raise RuntimeError("cannot")
        return np.array([[float(text)] for text in texts])


@pytest.fixture
async def student():
    """A student behind a closed gate."""
    return Student()


@pytest.fixture
def executor():
    """One thread, as in the server."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def _ask(batcher, *texts):
    tasks = [asyncio.Task(batcher.probabilities(text)) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def test_who_waits_is_answered_together_and_with_his_own_row(student, executor):
    """While one text is embedded four others come: they must share the next batches, two at a time."""
    batcher = Batcher(student, executor, max_batch=2)
    first = await _ask(batcher, "1")
    await student.started.wait()
    rest = await _ask(batcher, "2", "3", "4", "5")
    student.open.set()
    rows = await asyncio.gather(*first, *rest)
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert student.batches == [["1"], ["2", "3"], ["4", "5"]]


async def test_a_full_queue_says_so_at_once(student, executor):
    """A request must not wait without bound; those before it must not suffer."""
    batcher = Batcher(student, executor, max_waiting=2)
    first = await _ask(batcher, "1")
    await student.started.wait()
    waiting = await _ask(batcher, "2", "3")
    with pytest.raises(BusyError):
        await batcher.probabilities("4")
    student.open.set()
    assert [row[0] for row in await asyncio.gather(*first, *waiting)] == [1, 2, 3]
    assert (await batcher.probabilities("4"))[0] == 4


async def test_a_client_that_left_is_not_computed(student, executor):
    """Work for nobody must not delay the others."""
    batcher = Batcher(student, executor)
    first = await _ask(batcher, "1")
    await student.started.wait()
    gone, stays = await _ask(batcher, "2", "3")
    gone.cancel()
    await asyncio.sleep(0)
    student.open.set()
    assert (await stays)[0] == 3
    await asyncio.gather(*first)
    assert student.batches == [["1"], ["3"]]


async def test_a_failure_reaches_those_who_asked_and_nobody_later(student, executor):
    """One broken batch must fail its own requests and leave the batcher alive."""
    batcher = Batcher(student, executor)
    student.open.set()
    with pytest.raises(RuntimeError, match="cannot"):
        await batcher.probabilities("bad")
    assert (await batcher.probabilities("7"))[0] == 7

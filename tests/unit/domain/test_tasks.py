from __future__ import annotations

import asyncio
import gc
import logging

from domain.tasks import cancel, spawn


async def test_a_spawned_task_survives_garbage_collection():
    """A background task must end even when nobody keeps it."""
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        gc.collect()
        done.set()

    spawn(work(), name="work")
    gc.collect()
    await asyncio.wait_for(done.wait(), 5)


async def test_a_failure_is_logged_with_its_type(caplog):
    """An exception in the background must not vanish."""

    async def fail() -> None:
        raise KeyError("secret")

    with caplog.at_level(logging.ERROR):
        await asyncio.gather(spawn(fail(), name="doomed"), return_exceptions=True)
    assert "background_task_failed task=doomed error=KeyError" in caplog.text


async def test_cancel_waits_for_the_end():
    """After `cancel` the task's cleanup must have run."""
    cleaned = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    task = spawn(work(), name="work")
    await asyncio.sleep(0)
    await cancel(task)
    assert cleaned == [True]

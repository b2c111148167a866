"""Requests that wait for the same student are answered together: one embedding call for all who queued meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.ports import Student
from domain.tasks import spawn


class BusyError(Exception):
    """As many requests wait as may; try again later."""


class _Waiting(NamedTuple):
    text: str
    answer: asyncio.Future[NDArray[np.float64]]


class Batcher:
    """Runs one student in an executor.  Nobody waits for a batch to fill: it takes who is there."""

    def __init__(self, student: Student, executor: Executor, *, max_batch: int = 32, max_waiting: int = 256) -> None:
        self._student = student
        self._executor = executor
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting] = deque()
        self._running = False

    async def probabilities(self, text: str) -> NDArray[np.float64]:
        """The student's label probabilities for one text, shape (labels,).

        Raises:
            BusyError: the queue is full.
        """
        if len(self._waiting) >= self._max_waiting:
            raise BusyError
        answer: asyncio.Future[NDArray[np.float64]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(text, answer))
        if not self._running:
            self._running = True
            spawn(self._drain(), name=f"batcher {self._student.manifest.model}")
        return await answer

    async def _drain(self) -> None:
        try:
            while batch := self._next():
                await self._answer(batch)
        finally:
            self._running = False

    def _next(self) -> list[_Waiting]:
        """The next batch, without those whose client has gone."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self._max_batch:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        texts = [waiting.text for waiting in batch]
        loop = asyncio.get_running_loop()
        try:
            rows = await loop.run_in_executor(self._executor, self._student.probabilities, texts)
        except Exception as error:  # noqa: BLE001  (whatever the model raised belongs to those who asked)
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting, row in zip(batch, rows, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(row)

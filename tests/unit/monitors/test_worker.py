from __future__ import annotations

import asyncio
import logging

import pytest

from domain.errors import ModelError, StoreError
from monitors.worker import keep_going


class Script:
    """Steps with given outcomes; at the end of them it stops the loop."""

    def __init__(self, *outcomes: int | Exception) -> None:
        self.outcomes = list(outcomes)
        self.forgotten = 0

    async def step(self) -> int:
        if not self.outcomes:
            raise asyncio.CancelledError
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def forget(self) -> None:
        self.forgotten += 1


async def pauses(steps: Script) -> list[float]:
    """The pauses that the loop makes until its script ends."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)

    with pytest.raises(asyncio.CancelledError):
        await keep_going(steps, task="intent", sleep=sleep)
    return made


async def test_it_pauses_only_when_there_is_nothing_to_do():
    """A step that did something is followed by the next at once."""
    assert await pauses(Script(5, 3, 0, 2, 0)) == [0.2, 0.2]


async def test_a_failed_step_is_forgotten_and_repeated_later_and_later(caplog):
    """Memory is dropped after each failure, the pause grows up to 10 s, and one line is logged."""
    steps = Script(*[StoreError("disk full")] * 8, 1, ModelError("other embedder"), 1)
    with caplog.at_level(logging.ERROR):
        assert await pauses(steps) == [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0, 10.0, 0.2]
    assert steps.forgotten == 9
    assert [record.message for record in caplog.records] == [
        "step_failed task=intent step=Script error=disk full",
        "step_failed task=intent step=Script error=other embedder",
    ]


async def test_a_defect_ends_the_loop():
    """What is no PreceptorError is not repeated for ever: the supervisor starts a fresh worker."""
    with pytest.raises(ZeroDivisionError):
        await keep_going(Script(ZeroDivisionError()), task="intent")

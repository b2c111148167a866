"""Keeps steps going: at once while there is work, with a pause while there is none, with backoff while it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from domain.errors import PreceptorError
from monitors import metrics

_LOG = logging.getLogger(__name__)
_IDLE_S = 0.2
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Steps(Protocol):
    """Something that works in steps, each of which takes effect whole or not at all."""

    async def step(self) -> int:
        """Do what can be done now; returns how much that was."""
        ...

    def forget(self) -> None:
        """Drop what is in memory after a step that failed."""
        ...


async def keep_going(steps: Steps, *, task: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Run steps until cancelled.  A step that fails is forgotten and repeated: the store still has its input."""
    failures = 0
    while True:
        try:
            done = await steps.step()
            failures = 0
        except PreceptorError as error:
            steps.forget()
            if failures == 0:
                _LOG.error("step_failed task=%s step=%s error=%s", task, type(steps).__name__, error)
            metrics.STORE_FAILURES.labels(task).inc()
            await sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1
            continue
        if not done:
            await sleep(_IDLE_S)

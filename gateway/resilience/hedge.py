"""Two attempts at one call: the second begins when the first is slow, and the first good outcome wins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from domain.errors import UpstreamError
from gateway.resilience.outcome import T
from gateway.resilience.retry import retriable

_S = TypeVar("_S")
_Run: TypeAlias = "asyncio.Task[_S | UpstreamError]"


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


async def race(
    first: Callable[[], Awaitable[T]], second: Callable[[], Awaitable[T | None]], *, after_s: float
) -> tuple[T, bool]:
    """The outcome that wins, and whether the second gave it.

    The second is started `after_s` seconds after the first unless that has ended by then; it may give None to say that
    it did not take part.  A failure that could be retried wins only when there is no other attempt left to wait for.
    The loser is cancelled or closed, and has ended before this returns or raises.

    Raises:
        UpstreamError: none of them gave an outcome.
    """
    runs: list[_Run[T | None]] = []
    kept: _Run[T | None] | None = None
    try:
        async with asyncio.TaskGroup() as group:
            runs.append(group.create_task(_settled(first)))
            await asyncio.wait(runs, timeout=after_s)
            if not runs[0].done():
                runs.append(group.create_task(_settled(second)))
            winner = await _winner(runs)
            for run in runs:
                run.cancel()
        kept = winner
    except BaseExceptionGroup as faults:  # of ours: they look as they would without a race
        raise faults.exceptions[0] from None
    finally:
        for run in runs:
            if run is not kept:
                await _discard(run)
    result = winner.result()
    if isinstance(result, UpstreamError):
        raise result
    assert result is not None
    return result, winner is not runs[0]


async def _settled(attempt: Callable[[], Awaitable[_S]]) -> _S | UpstreamError:
    """An error as a value: it must not bring the other attempt down."""
    try:
        return await attempt()
    except UpstreamError as error:
        return error


async def _winner(runs: Sequence[_Run[T | None]]) -> _Run[T | None]:
    """The first that ended for good, else the last that took part."""
    last = runs[0]
    left = set(runs)
    while left:
        ended, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for run in filter(ended.__contains__, runs):
            result = run.result()
            if result is None:
                continue
            if not retriable(result):
                return run
            last = run
    return last


async def _discard(run: asyncio.Task[Any]) -> None:
    if run.done() and not run.cancelled() and run.exception() is None:
        result = run.result()
        if isinstance(result, _Closable):
            await result.aclose()

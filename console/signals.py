"""Signals of a task, where they stand, and what people say to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from domain import answering
from domain.errors import PreceptorError, StoreError
from domain.follow_up import Expected
from domain.lifecycle import standing

if TYPE_CHECKING:
    from console.reload import Current
    from domain.clock import Clock
    from domain.lifecycle import Episode
    from domain.store import Store

_CONFLICT, _BAD, _UNKNOWN = 409, 400, 404


class Ack(BaseModel):
    """Somebody is at it or, if it is `harmless`, there is nothing to do, which closes it."""

    model_config = ConfigDict(extra="forbid")

    by: str
    note: str = ""
    harmless: bool = False


class Days(BaseModel):
    """Days of the task's time zone that were unusual and harmless, both inclusive, such as 2026-11-27."""

    model_config = ConfigDict(extra="forbid")

    first_day: str
    last_day: str
    by: str
    note: str = ""


def signal_routes(current: Current, store: Store, *, clock: Clock) -> APIRouter:
    """The routes, to be protected by the admin token."""
    router = APIRouter()

    @router.get("/tasks/{task}/signals")
    async def signals(task: str) -> Any:
        """Warnings and retraining signals with their evidence and where they stand, oldest first."""
        history, found = await answering.read(store, task, current.task(task), now=clock.now_s())
        by_signal = {one: episode for episode in found for one in episode.signal_ids}
        return [msgspec.to_builtins(signal) | _stands(by_signal[signal.id]) for signal in history.signals]

    @router.get("/tasks/{task}/state")
    async def state(task: str) -> Any:
        """Where the task stands, and every episode of its signals with what was said to it."""
        _, found = await answering.read(store, task, current.task(task), now=clock.now_s())
        told = [msgspec.to_builtins(episode) | _stands(episode) for episode in found]
        return {"task": task, "state": standing(found), "episodes": told}

    @router.post("/signals/{signal_id}/ack")
    async def ack(signal_id: str, said: Ack) -> Any:
        """The episode afterwards; 404 for a signal that is not there, 409 for one that cannot be answered now."""
        try:
            episode = await answering.acknowledge(
                store,
                current.settings.tasks,
                signal_id,
                at=clock.now_s(),
                by=said.by,
                note=said.note,
                harmless=said.harmless,
            )
        except LookupError as error:
            raise HTTPException(_UNKNOWN, str(error.args[0])) from None
        except StoreError:
            raise
        except PreceptorError as error:
            raise HTTPException(_CONFLICT, str(error)) from None
        return msgspec.to_builtins(episode) | _stands(episode)

    @router.post("/tasks/{task}/expected")
    async def expected(task: str, days: Days) -> Any:
        """The mark, and the episodes it closed; the detectors are fitted again with these days."""
        settings = current.task(task)
        mark = Expected(task=task, at=clock.now_s(), **days.model_dump())
        try:
            closed = await answering.expect(store, settings, mark)
        except StoreError:
            raise
        except PreceptorError as error:
            raise HTTPException(_BAD, str(error)) from None
        return msgspec.to_builtins({"expected": mark, "closed": closed})

    return router


def _stands(episode: Episode) -> dict[str, object]:
    return {"state": episode.state, "since": episode.since}

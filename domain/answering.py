"""Answers to signals, as a person gives them: read from the store, held against the table of states, kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain.episodes import episodes
from domain.errors import PreceptorError
from domain.follow_up import Expected, SignalState
from domain.lifecycle import MONITORS, TRANSITIONS, Cause, Episode, History, Rules, answer
from domain.zones import zone

if TYPE_CHECKING:
    from domain.settings import TaskSettings
    from domain.store import Store


async def read(store: Store, name: str, task: TaskSettings, *, now: float) -> tuple[History, list[Episode]]:
    """What was recorded about a task's signals, and their episodes; readings only as far as they matter.

    Raises:
        StoreError: the store cannot be read.
    """
    history = History(
        await store.signals(name),
        events=await store.signal_events(name),
        deployments=await store.deployments(name),
    )
    rules = Rules.of(task.signal)
    found = episodes(history, rules, now=now)
    if since := [episode.steps[0].at for episode in found if episode.state is not SignalState.OK]:
        readings = await store.readings(name, after=min(since))
        history = History(history.signals, history.events, readings, history.deployments)
        found = episodes(history, rules, now=now)
    return history, found


async def acknowledge(
    store: Store,
    tasks: Mapping[str, TaskSettings],
    signal_id: str,
    *,
    at: float,
    by: str,
    note: str = "",
    harmless: bool = False,
) -> Episode:
    """Say that somebody is at it or, if it is `harmless`, that there is nothing to do; the rest is as for `respond`."""
    state = SignalState.OK if harmless else SignalState.ACKNOWLEDGED
    return await respond(store, tasks, signal_id, state, at=at, by=by, note=note)


async def respond(
    store: Store,
    tasks: Mapping[str, TaskSettings],
    signal_id: str,
    state: SignalState,
    *,
    at: float,
    by: str,
    note: str = "",
) -> Episode:
    """Give a signal another state, such as that a retraining has begun; the episode afterwards.

    Raises:
        LookupError: no task has such a signal.
        PreceptorError: it cannot have that state now, or by that name.
        StoreError: the store cannot be used.
    """
    _name(by)
    for name, task in tasks.items():
        _, found = await read(store, name, task, now=at)
        for episode in found:
            if signal_id in episode.signal_ids:
                await store.add_signal_event(answer(episode, state, at=at, by=by, note=note))
                _, after = await read(store, name, task, now=at)
                return next(each for each in after if signal_id in each.signal_ids)
    raise LookupError(f"no signal {signal_id!r}; see: preceptor signals list")


async def expect(store: Store, task: TaskSettings, expected: Expected) -> list[Episode]:
    """Mark days as unusual and harmless; the episodes that this closed, as they were.

    Those are the open ones all of whose signals were raised on these days.

    Raises:
        PreceptorError: the days are none, or their order is wrong.
        StoreError: the store cannot be used.
    """
    _name(expected.by)
    first, last = _day(expected.first_day), _day(expected.last_day)
    if last < first:
        raise PreceptorError(f"{expected.last_day} is before {expected.first_day}: give the first day first")
    await store.expect(expected)
    history, found = await read(store, expected.task, task, now=expected.at)
    where, raised = zone(task.time_zone), {signal.id: signal.at for signal in history.signals}
    closed = [
        episode
        for episode in found
        if Cause.ANSWER in TRANSITIONS[episode.state].get(SignalState.OK, ())
        and all(first <= dt.datetime.fromtimestamp(raised[one], where).date() <= last for one in episode.signal_ids)
    ]
    for episode in closed:
        note = f"expected: {expected.note}"
        await store.add_signal_event(answer(episode, SignalState.OK, at=expected.at, by=expected.by, note=note))
    return closed


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # ISO 8601 has other forms, which readers of the mark need not know
        raise PreceptorError(f"{text!r} is no day; write for example 2026-11-27")
    return day


def _name(by: str) -> None:
    if not by.strip() or by == MONITORS:
        raise PreceptorError(f"{by!r} is no name of a person; say who answers")

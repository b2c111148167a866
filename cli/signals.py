"""`preceptor signals list | show | ack | expected | state`: what the monitors decided, and what people say to it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.options import DEFAULT, By, Config, Json, Task, choose_task
from cli.progress import wide
from cli.runtime import opened_store
from domain import answering, config
from domain.clock import SystemClock
from domain.errors import PreceptorError
from domain.follow_up import Expected, SignalState
from domain.lifecycle import Episode, History, standing
from domain.records import Signal
from domain.settings import Settings

SignalId = Annotated[str, typer.Argument(help="From `preceptor signals list`.", metavar="ID")]
Note = Annotated[str, typer.Option("--note", help="Why; kept, and shown to others.")]

_group = typer.Typer(help="What the monitors decided, and what people say to it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(_group, name="signals")


@_group.command(name="list")
def list_signals(task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print all signals of a task with where they stand, oldest first."""
    settings = config.load(path)
    history, found = asyncio.run(_read(settings, choose_task(settings, task)[0]))
    rows = [(signal, _episode(found, signal.id)) for signal in history.signals]
    if as_json:
        _print_json([_told(signal, episode) for signal, episode in rows])
        return
    table = Table("id", "raised", "kind", "reason", "evidence", "model", "state", "since", title="Signals")
    for signal, episode in rows:
        evidence, raised, since = f"{signal.evidence:.2f}", _written(signal.at), _written(episode.since)
        table.add_row(signal.id, raised, signal.kind, signal.reason, evidence, signal.model, episode.state, since)
    wide(Console(markup=False)).print(table)


@_group.command()
def show(signal: SignalId, path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print a signal with its evidence, and what became of it."""
    settings = config.load(path)
    for name in settings.tasks:
        history, found = asyncio.run(_read(settings, name))
        for each in history.signals:
            if each.id == signal:
                episode = _episode(found, signal)
                _print_json(_told(each, episode)) if as_json else _print_signal(each, episode)
                return
    raise PreceptorError(f"no signal {signal!r}; see: preceptor signals list")


@_group.command()
def ack(
    signal: SignalId,
    note: Note = "",
    harmless: Annotated[bool, typer.Option("--harmless", help="There is nothing to do: this closes it.")] = False,
    by: By = "operator",
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Say that somebody is at it, or that there is nothing to do."""
    settings = config.load(path)

    async def run() -> Episode:
        async with opened_store(settings) as store:
            at = SystemClock().now_s()
            return await answering.acknowledge(
                store, settings.tasks, signal, at=at, by=by, note=note, harmless=harmless
            )

    try:
        episode = asyncio.run(run())
    except LookupError as error:
        raise PreceptorError(str(error.args[0])) from None
    if as_json:
        _print_json(_summary(episode))
        return
    sys.stdout.write(f"{signal} ({episode.reason}) is {episode.state}\n")


@_group.command()
def expected(
    first_day: Annotated[str, typer.Option("--from", help="The first day, such as 2026-11-27.", metavar="DAY")],
    last_day: Annotated[str, typer.Option("--to", help="The last day, inclusive.", metavar="DAY")],
    note: Note = "",
    by: By = "operator",
    task: Task = "",
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Mark days as unusual and harmless, so that the detectors learn from them."""
    settings = config.load(path)
    name, chosen = choose_task(settings, task)
    at = SystemClock().now_s()
    days = Expected(task=name, first_day=first_day, last_day=last_day, at=at, by=by, note=note)

    async def run() -> list[Episode]:
        async with opened_store(settings) as store:
            return await answering.expect(store, chosen, days)

    closed = asyncio.run(run())
    if as_json:
        _print_json({"expected": days, "closed": [_summary(episode) for episode in closed]})
        return
    ended = ", ".join(f"{episode.signal_ids[-1]} ({episode.reason})" for episode in closed)
    sys.stdout.write(
        f"{name}: {first_day} to {last_day} ({chosen.time_zone}) are marked as harmless; "
        f"the detectors are fitted again with these days in their reference\n"
        + (f"closed as harmless: {ended}\n" if closed else "no open signal was raised on these days alone\n")
    )


@_group.command()
def state(task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print where a task stands: the most urgent of its open signals."""
    settings = config.load(path)
    name, _ = choose_task(settings, task)
    _, found = asyncio.run(_read(settings, name))
    stands, open_ = standing(found), [episode for episode in found if episode.state is not SignalState.OK]
    if as_json:
        _print_json({"task": name, "state": stands, "open": [_summary(episode) for episode in open_]})
        return
    sys.stdout.write(f"{name}: {stands}\n")
    for episode in open_:
        last = episode.signal_ids[-1]
        sys.stdout.write(f"  {episode.reason}: {episode.state} since {_written(episode.since)}, {last}\n")


async def _read(settings: Settings, name: str) -> tuple[History, list[Episode]]:
    async with opened_store(settings) as store:
        return await answering.read(store, name, settings.tasks[name], now=SystemClock().now_s())


def _episode(found: Sequence[Episode], signal_id: str) -> Episode:
    return next(episode for episode in found if signal_id in episode.signal_ids)


def _told(signal: Signal, episode: Episode) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(signal)
    return fields | {"state": episode.state, "since": episode.since, "steps": msgspec.to_builtins(episode.steps)}


def _summary(episode: Episode) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(episode)
    return fields | {"state": episode.state, "since": episode.since}


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _print_signal(signal: Signal, episode: Episode) -> None:
    """One line a field, those that say nothing left out; then the steps."""
    fields: dict[str, object] = msgspec.to_builtins(signal)
    for name, value in fields.items():
        if value not in (None, "", (), [], {}):
            told = _written(value) if isinstance(value, float) and name in ("at", "delivered_at") else value
            sys.stdout.write(f"{name:<20} {told}\n")
    for step in episode.steps:
        said = " ".join(part for part in (step.by, step.note) if part)
        sys.stdout.write(f"  {_written(step.at)}  {step.state:<13} {step.cause:<11} {said}\n")


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).isoformat(sep=" ", timespec="seconds")

"""`preceptor replay`: computes all signals again from the store, and compares."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli import progress
from cli.options import DEFAULT, Config, Json, Task, choose_task
from cli.runtime import opened_store
from domain import config

if TYPE_CHECKING:
    from domain.records import Signal
    from domain.settings import Settings
    from monitors.replay_comparison import Comparison

_After = Annotated[float, typer.Option(help="Compare signals of this time (seconds since 1970) and later only.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(after: _After = 0.0, task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Compute all signals again from the stored inputs and pairs, and compare them with those that were raised.

    Nothing is embedded and nobody asked.  Exit code 0: all were reproduced; 1: not all.
    """
    settings = config.load(path)
    name, _ = choose_task(settings, task)
    found = asyncio.run(_compare(settings, name, after=after))
    if as_json:
        sys.stdout.write(msgspec.json.encode({"task": name, "complete": found.complete, "signals": found}).decode())
        sys.stdout.write("\n")
    else:
        _print(name, found)
    raise typer.Exit(0 if found.complete else 1)


async def _compare(settings: Settings, name: str, *, after: float) -> Comparison:
    from monitors.replay import Replay
    from monitors.replay_comparison import compare

    task = settings.tasks[name]
    async with opened_store(settings) as store:
        with progress.bar("replaying inputs", await store.watched_count(name)) as show:
            replayed = await Replay(store, name, task, progress=show).run()
        return compare(await store.signals(name), replayed, task, after=after)


def _print(name: str, found: Comparison) -> None:
    lines = [f"{name}: {found.reproduced} of {found.stored} signals reproduced"]
    lines += _told("missing: stored, and not replayed", found.missing)
    lines += _told("extra: replayed, and not stored", found.extra)
    for each in found.different:
        lines.append(f"  different: {each.signal_id} {each.field}: stored {each.stored}, replayed {each.replayed}")
    for other in found.unreplayed:
        lines += _told(f"not replayed: {other.why}", [other.signal])
    sys.stdout.write("\n".join(lines) + "\n")


def _told(what: str, signals: Iterable[Signal]) -> list[str]:
    return [f"  {what}: {each.id} {_time(each.at)} {each.kind} {each.reason} ({each.detector})" for each in signals]


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="seconds")

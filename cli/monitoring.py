"""`preceptor report drift | agreement`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.options import DEFAULT, Config, Json, Task, choose_task
from cli.runtime import opened_store
from domain import config

_group = typer.Typer(help="What the monitors know.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(_group, name="report")


@_group.command()
def drift(
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file.")] = Path("drift.html"),
    after: Annotated[float, typer.Option(help="Only what came at or after this time (seconds since 1970).")] = 0.0,
    task: Task = "",
    path: Config = DEFAULT,
) -> None:
    """Write an Evidently report with our tests and plots."""
    from monitors.report_process import report_in_subprocess

    settings = config.load(path)
    name, _ = choose_task(settings, task)
    report_in_subprocess(path, name, out, after=after)
    sys.stdout.write(f"{out}\n")


@_group.command()
def agreement(task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print the agreement of the deployed student with its interval, and how the shadow samples ended."""
    from monitors.agreement import estimate

    settings = config.load(path)
    name, chosen = choose_task(settings, task)

    async def read() -> tuple[object, dict[str, int], list[object]]:
        async with opened_store(settings) as store:
            deployed = await store.deployment(name)
            model, since = (chosen.student.model, 0.0) if deployed is None else (deployed.model, deployed.at)
            pairs = await store.pairs(name, after=since, model=model, limit=4 * chosen.agreement.window)
            counts = {str(state): count for state, count in (await store.pair_counts(name)).items()}
            return estimate(pairs), counts, list(await store.signals(name))

    found, counts, signals = asyncio.run(read())
    if as_json:
        value = {"task": name, "agreement": found, "pairs": counts, "signals": signals}
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        return
    text = "no pairs yet"
    if found is not None:
        value = msgspec.to_builtins(found)
        text = "{estimate:.3f} [{lower:.3f}, {upper:.3f}] from {pairs} pairs".format_map(value)
    ended = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"
    sys.stdout.write(f"{name}: agreement {text}\nshadow samples: {ended}\nsignals: {len(signals)}\n")

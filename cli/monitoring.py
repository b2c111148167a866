"""`preceptor report drift | mix | detectors | agreement | safety`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from cli.findings import print_findings, print_parity
from cli.mixes import print_mix
from cli.options import DEFAULT, Config, Json, Task, choose_task
from cli.progress import wide
from cli.runtime import opened_store
from cli.standings import print_agreement, print_detectors
from domain import config
from domain.clock import SystemClock
from domain.records import Stage

if TYPE_CHECKING:
    from domain.settings import PolicySettings, Settings
    from monitors.attribution import Attribution
    from monitors.findings import Place, PolicyFindings
    from monitors.mix import Mix
    from monitors.overview import DetectorStanding
    from monitors.pair_report import PairReport

_EXCHANGES = 200_000  # that a report on safety is about, the newest: more do not change what it says
_PAIRS = 20_000
_After = Annotated[float, typer.Option(help="Only what came at or after this time (seconds since 1970).")]

_group = typer.Typer(help="What the monitors know.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(_group, name="report")


@_group.command()
def drift(
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file.")] = Path("drift.html"),
    after: _After = 0.0,
    task: Task = "",
    path: Config = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print what drift is about as JSON; no file.")] = False,
) -> None:
    """Write an Evidently report with our tests and plots, and what drift is about: topics, words, examples."""
    settings = config.load(path)
    name, _ = choose_task(settings, task)
    if as_json:
        found = asyncio.run(_attribution(settings, name))
        sys.stdout.write(msgspec.json.encode({"task": name, "attribution": found}).decode() + "\n")
        return
    from monitors.report_process import report_in_subprocess

    report_in_subprocess(path, name, out, after=after)
    sys.stdout.write(f"{out}\n")


async def _attribution(settings: Settings, task: str) -> Attribution | None:
    from monitors.report_sources import Sources

    async with opened_store(settings) as store:
        return await Sources(store, settings, task).attribution(until=SystemClock().now_s())


@_group.command()
def mix(
    day: Annotated[str, typer.Option(help="In the task's time zone, like 2026-03-29; without it: yesterday.")] = "",
    task: Task = "",
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Print what the inputs of a day were about, beside the reference and the same day a week before."""
    settings = config.load(path)
    name, chosen = choose_task(settings, task)

    async def read() -> Mix:
        from monitors.mix import day_before
        from monitors.report_sources import Sources

        async with opened_store(settings) as store:
            told = day or day_before(SystemClock().now_s(), chosen.time_zone)
            return await Sources(store, settings, name).mix(told)

    found = asyncio.run(read())
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    print_mix(wide(Console()), found)


@_group.command()
def detectors(task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print where every detector stands: evidence, what it waits for, and its alarms of 30 days."""
    settings = config.load(path)
    name, _ = choose_task(settings, task)
    found = asyncio.run(_detectors(settings, name))
    if as_json:
        sys.stdout.write(msgspec.json.encode({"task": name, "detectors": found}).decode() + "\n")
        return
    print_detectors(wide(Console()), name, found)


async def _detectors(settings: Settings, name: str) -> list[DetectorStanding]:
    from monitors.arming import state_key
    from monitors.era import standing_since
    from monitors.overview import overview

    now = SystemClock().now_s()
    async with opened_store(settings) as store:
        deployed = standing_since(await store.deployments(name))
        if deployed is None:
            return []
        states = await store.detector_states(name, state_key(deployed))
        readings = await store.readings(name, after=deployed.at)
        return overview(states, readings, await store.signals(name), now=now)


@_group.command()
def agreement(task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print the agreement of the deployed student, the teacher's with itself, slices, and how samples ended."""
    settings = config.load(path)
    name, chosen = choose_task(settings, task)

    async def read() -> PairReport:
        from monitors.pair_report import pair_report

        async with opened_store(settings) as store:
            return await pair_report(store, name, chosen)

    found = asyncio.run(read())
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    print_agreement(found)


@_group.command()
def safety(after: _After = 0.0, task: Task = "", path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print what the checks found or, in shadow mode, would have stopped, and how safe the student is."""
    from monitors import parity
    from monitors.era import standing_since
    from monitors.findings import findings
    from policies import app as policies

    settings = config.load(path)
    name, chosen = choose_task(settings, task)
    current = policies.build(settings, name).sha256
    configured = {current: _places(policies.chosen(chosen))}

    async def read() -> tuple[list[PolicyFindings], parity.Parity | None]:
        async with opened_store(settings) as store:
            rows = await store.judged(name, after=after, limit=_EXCHANGES)
            pairs = await store.pairs(name, after=after, limit=_PAIRS)
            deployed = standing_since(await store.deployments(name))
            model, since = (chosen.student.model, 0.0) if deployed is None else (deployed.model, deployed.at)
            own = await store.pairs(name, after=max(after, since), model=model, limit=parity.WINDOW)
            return findings(rows, pairs, configured=configured), parity.estimate(own)

    found, share = asyncio.run(read())
    if as_json:
        value = {"task": name, "configured": current, "policies": found, "safety_parity": share}
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        return
    console = wide(Console())
    if not found:
        console.print(f"{name}: no journalled exchanges yet, so the checks have found nothing: send traffic first")
    print_findings(console, found, current=current)
    print_parity(console, share)


def _places(policies: PolicySettings) -> list[Place]:
    """The checks of a policy as decisions name them."""
    from monitors.findings import Place

    listed = ((Stage.INPUT, policies.input), (Stage.OUTPUT, policies.output))
    return [Place(stage, check.mode == "shadow", check.called) for stage, checks in listed for check in checks]

"""`preceptor plan`: how many shadow pairs show a drop of agreement in time, and what they cost."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.options import DEFAULT, Config, Json, Task, choose_task
from cli.power_curve import Curve, Mark, svg
from cli.progress import wide
from cli.runtime import opened_store
from domain import config
from domain.clock import SystemClock
from domain.durations import seconds
from domain.errors import ConfigError, PreceptorError

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.settings import Settings, TaskSettings
    from monitors.demand import Demand
    from monitors.plan import Plan
    from monitors.power import Need
    from monitors.sensitivity import Sensitivity

_DAY_S = 86400.0
_DAYS = 7.0  # of traffic that are read
_TIMES, _SAMPLE, _PAIRS = 200_000, 300, 500  # the newest: exchanges that are counted, looked at, and pairs
_CURVES = (2, 3, 5, 10, 20)
_CHANCES = tuple(number / 25 for number in range(1, 25))
_LEAST_S, _MOST_S = 3600.0, 30 * _DAY_S


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    drop: Annotated[float, typer.Option(min=0.1, max=90, help="Of agreement, in points.")] = 2.0,
    within: Annotated[str, typer.Option(help="The time in which it must be seen, such as 12h or 3d.")] = "1d",
    chance: Annotated[float, typer.Option(min=0.5, max=0.99, help="Of seeing it in that time.")] = 0.9,
    day_variation: Annotated[
        float, typer.Option(min=0, max=1, help="Usual standard deviation of a day's disagreement over its mean.")
    ] = 0.1,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="An SVG file for the power curves.")] = None,
    task: Task = "",
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Say how many pairs, and how much money, it takes to see a drop of agreement in time."""
    from monitors.plan import Question, answer_of

    settings = config.load(path)
    name, chosen = choose_task(settings, task)
    question = Question(drop / 100, _days(within), chance=chance, day_variation=day_variation)
    deployment, found = asyncio.run(_read(settings, name, chosen))
    answer = answer_of(question, chosen, deployment, found)
    if out is not None:
        out.write_text(_picture(answer, question.put_to(chosen, deployment)), encoding="utf-8")
    if as_json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        _show(answer, Console())
        sys.stdout.write("" if out is None else f"{out}\n")


def _days(within: str) -> float:
    try:
        duration = seconds(within)
    except ValueError as error:
        raise ConfigError("--within", str(error)) from None
    if not _LEAST_S <= duration <= _MOST_S:
        raise ConfigError("--within", f"{within} is not between 1h and 30d")
    return duration / _DAY_S


async def _read(settings: Settings, name: str, task: TaskSettings) -> tuple[Deployment, Demand]:
    """What serves the task, and what its traffic is like."""
    from monitors.demand import demand

    now = SystemClock().now_s()
    async with opened_store(settings) as store:
        deployment = await store.deployment(name)
        if deployment is None:
            raise PreceptorError(f"{name}: no student is deployed, so there is no agreement to hold: preceptor promote")
        times = [row.at for row in await store.judged(name, after=now - _DAYS * _DAY_S, limit=_TIMES)]
        newest = [row.exchange for row in await store.exchanges(name, after=now - _DAYS * _DAY_S, limit=_SAMPLE)]
        pairs = await store.pairs(name, limit=_PAIRS)
    price = None if task.teacher.price is None else task.teacher.priced(path=f"tasks.{name}.teacher")
    return deployment, demand(times, newest, pairs, task=name, price=price, at=now)


def _show(answer: Plan, console: Console) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in _sentences(answer)))
    table = Table(
        title=f"with a chance of {answer.chance:.0%}, within {_time(answer.within_days)}", title_justify="left"
    )
    for column in ("drop, points", "pairs a day", "$ a day", "shadow rate"):
        table.add_column(column, justify="right")
    for need in answer.table:
        table.add_row(f"{need.drop * 100:g}", *_cells(need))
    wide(console).print(table)


def _cells(need: Need) -> tuple[str, str, str]:
    if need.pairs_per_day is None or need.rate is None:
        return "not to be seen", "", ""
    rate = f"{need.rate:.4f}" if need.rate <= 1 else "above 1: too little traffic"
    return f"{need.pairs_per_day:,}", f"{need.usd_per_day:,.2f}", rate


def _sentences(answer: Plan) -> list[str]:
    today, demand = answer.today, answer.demand
    least = "no drop" if today.smallest_drop is None else f"a drop of {today.smallest_drop * 100:.1f} points"
    money = f"${today.usd_per_day:,.2f} of ${today.max_usd_per_day:,.2f}"
    return [
        f"{answer.task}: {_need(answer.need, answer.within_days, answer)}",
        *([] if answer.longer is None else [f"but {_need(answer.longer.need, answer.longer.within_days, answer)}"]),
        f"today: shadow.rate {today.rate:g} gives about {today.pairs_per_day:,.0f} pairs a day, {money}; "
        f"they show {least} within {_time(answer.within_days)}",
        f"from {demand.exchanges_per_day:,.0f} exchanges a day ({demand.observed_days:.1f} days observed), "
        f"${demand.usd_per_pair:.6f} a pair ({demand.price_source}), detector {answer.detector}",
    ]


def _need(need: Need, days: float, answer: Plan) -> str:
    goal = f"a drop of {need.drop * 100:g} points within {_time(days)}"
    if need.pairs_per_day is None or need.rate is None:
        return f"no number of pairs shows {goal}: it is no more than usual days, or the held-out items, leave open"
    rate = f"shadow.rate {need.rate:.4f}" if need.rate <= 1 else "more than the traffic has"
    return (
        f"to see {goal} with a chance of {answer.chance:.0%} you need {need.pairs_per_day:,} pairs a day = "
        f"${need.usd_per_day:,.2f} a day ({rate})"
    )


def _time(days: float) -> str:
    if days < 1:
        return f"{days * 24:g} hours"
    return "1 day" if days == 1 else f"{days:g} days"


def _picture(answer: Plan, by: Sensitivity) -> str:
    """The curve of the drop that was asked for, and of some others, where pairs can show them."""
    from monitors.power import pairs_needed

    curves = []
    for drop in sorted({answer.need.drop, *(points / 100 for points in _CURVES)}):
        found = pairs_needed(by, [drop] * len(_CHANCES), _CHANCES).tolist()
        points = [(pairs, chance) for pairs, chance in zip(found, _CHANCES, strict=True) if pairs != float("inf")]
        if points:
            curves.append(Curve(f"{drop * 100:g} points", points))
    if not curves:
        raise PreceptorError(f"{answer.task}: no number of pairs shows any drop in this time: try a longer --within")
    pairs = answer.today.pairs_per_day
    return svg(
        curves,
        title=f"{answer.task}: a drop of agreement seen within {_time(answer.within_days)}, {answer.detector} detector",
        chance=answer.chance,
        usd_per_pair=answer.demand.usd_per_pair,
        mark=Mark("today", pairs) if pairs >= 1 else None,
    )

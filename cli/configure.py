"""`preceptor init` and `preceptor check`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.options import DEFAULT, Config, Json
from cli.progress import wide
from domain import config
from domain.errors import ConfigError, PreceptorError
from domain.settings import CheckSettings, Settings
from monitors.prompts import read_prompts
from policies import app as policies
from policies import cases


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(init)
    app.command()(check)


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented configuration to start from."""
    if path.exists() and not force:
        raise PreceptorError(f"{path} exists already; edit it, choose another name, or replace it with --force")
    path.write_text(resources.files("cli").joinpath("template.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    sys.stdout.write(f"wrote {path}; edit it, then run: preceptor check -c {path}\n")


def check(path: Config = DEFAULT, as_json: Json = False) -> None:
    """Validate a configuration and print what was understood."""
    settings = config.load(path)
    for name, task in settings.tasks.items():
        _check_policy(settings, name)
        if task.teacher_check is not None:
            read_prompts(Path(settings.root) / task.teacher_check.prompts, system=task.prompt)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(_masked(settings)), indent=2) + b"\n")
        return
    wide(Console()).print(_table(settings))
    sys.stdout.write(f"{path} is good\n")


def _check_policy(settings: Settings, name: str) -> None:
    """Build the policy of a task and run the tests that it carries.

    Raises:
        ConfigError: it cannot be used, or says otherwise than its tests.
    """
    engine = policies.build(settings, name)
    tests = policies.chosen(settings.tasks[name]).tests
    failed = asyncio.run(cases.failures(engine, tests))
    if failed:
        problem = f"{len(failed)} of {len(tests)} failed\n" + "\n".join(failed)
        raise ConfigError(f"tasks.{name}.policies.tests", problem)


def _table(settings: Settings) -> Table:
    table = Table("task", "teacher", "student", "output", "input checks", "output checks", "shadow", title="Tasks")
    for name, task in settings.tasks.items():
        chain = policies.chosen(task)
        table.add_row(
            name,
            f"{task.teacher.model} at {task.teacher.upstream}",
            f"{task.student.model} at {task.student.upstream}",
            f"{len(task.output.labels)} labels" if task.output.labels else task.output.json_schema or "text",
            _named(chain.input),
            _named(chain.output),
            f"{task.shadow.rate:.1%} (flagged {task.shadow.flagged_rate:.1%}), ${task.shadow.max_usd_per_day:g} a day",
        )
    return table


def _named(checks: Sequence[CheckSettings]) -> str:
    return ", ".join(f"{each.called} (shadow)" if each.mode == "shadow" else each.called for each in checks) or "none"


_SECRETS = {"api_key", "admin_token", "secret"}


def _masked(value: Any) -> Any:
    """Settings as plain values, with every secret replaced."""
    return _mask(msgspec.to_builtins(value))


def _mask(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "***" if key in _SECRETS and item else _mask(item) for key, item in value.items()}
    return [_mask(item) for item in value] if isinstance(value, list) else value

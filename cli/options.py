"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import ConfigError
from domain.settings import Settings, TaskSettings

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
Task = Annotated[str, typer.Option("--task", "-t", help="The task; may be left out when there is only one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
By = Annotated[str, typer.Option("--by", help="Who decides; kept in the audit trail.")]

DEFAULT = Path("preceptor.yaml")


def choose_task(settings: Settings, name: str) -> tuple[str, TaskSettings]:
    """The task of that name, or the only one.

    Raises:
        ConfigError: there is none of that name, or the choice is open.
    """
    if not name and len(settings.tasks) == 1:
        (name,) = settings.tasks
    if name not in settings.tasks:
        problem = f"no task {name!r}" if name else "several tasks: choose one with --task"
        raise ConfigError("tasks", f"{problem}; configured are {', '.join(sorted(settings.tasks))}")
    return name, settings.tasks[name]

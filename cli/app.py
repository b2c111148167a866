"""Composition root of the `preceptor` command: its groups as a list, and errors turned into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
import typer

from cli import configure, dataset, embedder, keys, monitoring, plan, processes, replay, signals, students
from cli.demo import command as demo
from domain.errors import PreceptorError

app = typer.Typer(
    name="preceptor",
    help="A gateway for distilled language models: serves the student, watches it, says when to retrain.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group in (configure, processes, demo, keys, dataset, students, embedder, monitoring, plan, signals, replay):
    group.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.  Exit codes: 0 done, 1 the answer is no, 2 it could not be done, 130 interrupted."""
    try:
        code = app(arguments, standalone_mode=False)
    except PreceptorError as error:
        sys.exit(_complain(str(error)))
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OSError as error:
        sys.exit(_complain(f"{error.filename or 'system'}: {error.strerror or error}"))
    sys.exit(code or 0)


def _complain(text: str) -> int:
    sys.stderr.write(f"preceptor: {text}\n")
    return 2

"""`preceptor serve`, and each of its processes on its own."""

from __future__ import annotations

import asyncio
import importlib
import logging
from pathlib import Path

import typer

from adapters.reload import hold_hangups
from cli.options import DEFAULT, Config
from cli.supervisor import Supervisor, roles
from policies import app as policies


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(serve)
    app.command()(gateway)
    app.command()(monitors)
    app.command()(console)
    app.command(name="student-server")(student_server)


def serve(path: Config = DEFAULT) -> None:
    """Run everything this machine needs: gateway workers, monitors, console and, if configured, the student server."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    hold_hangups()
    settings = policies.load(path)
    supervisor = Supervisor(
        roles(settings),
        path=path,
        metrics=Path(settings.root) / "var" / "metrics" / str(settings.server.port),
        settings=settings,
        load=lambda: policies.load(path),
    )
    raise typer.Exit(asyncio.run(supervisor.run()))


def gateway(path: Config = DEFAULT) -> None:
    """Run one gateway worker."""
    _run("gateway", path)


def monitors(path: Config = DEFAULT) -> None:
    """Run the monitors."""
    _run("monitors", path)


def console(path: Config = DEFAULT) -> None:
    """Run the console."""
    _run("console", path)


def student_server(path: Config = DEFAULT) -> None:
    """Run the server for students that `preceptor train` made."""
    _run("distill", path)


def _run(package: str, path: Path) -> None:
    process = importlib.import_module(f"{package}.__main__")
    raise typer.Exit(process.main(["--config", str(path)]))

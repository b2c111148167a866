"""Composition root of the student server: `python -m distill --config preceptor.yaml [--fd N]`."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

import embedders.app
from distill.serving.routes import StudentServer
from distill.serving.shelf import Shelf
from distill.student import students_folder
from domain import config
from domain.clock import Clock, SystemClock
from domain.errors import ModelError, PreceptorError
from domain.ports import Embedder
from domain.settings import Settings
from domain.tasks import cancel, spawn

_GRACE_S = 10
_LOG = logging.getLogger(__name__)


def build(settings: Settings, *, clock: Clock) -> StudentServer:
    """The server that the settings ask for; loads nothing yet.

    Raises:
        ConfigError: the configuration has no section of students.
    """

    def embedder_of(name: str) -> Embedder:
        if name not in settings.embedders:
            known = ", ".join(sorted(settings.embedders)) or "none"
            raise ModelError(f"embedder {name!r} is not configured under embedders (known: {known}); add it")
        return embedders.app.build(settings.embedders[name], root=settings.root)

    wanted = {task.drift.embedder for task in settings.tasks.values()}
    return StudentServer(
        Shelf(students_folder(settings), embedder_of),
        preload=sorted(wanted & set(settings.embedders)),
        clock=clock,
        max_body_bytes=settings.server.max_body_bytes,
    )


class _Process:
    """A student server under uvicorn, that ends when its models cannot be loaded."""

    def __init__(self, students: StudentServer) -> None:
        self.failure: PreceptorError | None = None
        self._students = students
        self._server = uvicorn.Server(
            uvicorn.Config(
                students.app(lifespan=self._lifespan),
                lifespan="on",
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )

    def run(self, listening: socket.socket) -> None:
        with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has shut down
            self._server.run(sockets=[listening])

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        loading = spawn(self._load(), name="load students")
        try:
            yield
        finally:
            await cancel(loading)
            self._students.close()

    async def _load(self) -> None:
        try:
            await self._students.load()
        except PreceptorError as error:
            self.failure = error
            self._server.should_exit = True


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; 2 when configuration, port or weights cannot be used."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = config.load(options.config)
        process = _Process(build(settings, clock=SystemClock()))
        assert settings.students is not None
        listening = _listen(options.fd, settings.students.host, settings.students.port)
        process.run(listening)
        if process.failure is not None:
            raise process.failure
    except PreceptorError as error:
        sys.stderr.write(f"preceptor student-server: {error}\n")
        return 2
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="preceptor student-server", description="Serve students over the OpenAI API.")
    parser.add_argument("--config", type=Path, default=Path("preceptor.yaml"), help="the configuration file")
    parser.add_argument("--fd", type=int, help="a listening socket inherited from the supervisor")
    return parser.parse_args(arguments)


def _listen(fd: int | None, host: str, port: int) -> socket.socket:
    try:
        if fd is not None:
            return socket.socket(fileno=fd)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        where = f"file descriptor {fd}" if fd is not None else f"{host}:{port}"
        raise PreceptorError(f"cannot listen on {where}: {error.strerror}; free it or change students.port") from None

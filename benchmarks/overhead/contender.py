"""A proxy under test: how it is started, how it is asked, and the process once it runs."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.overhead import bodies, processes

_TEMPLATES = Path(__file__).parent / "conf"
_READY_S = 90.0


class Place(msgspec.Struct, frozen=True):
    """Where one contender runs: a folder of its own, its port on loopback, and the port of the upstream."""

    folder: Path
    port: int
    upstream: int

    def conf(self, template: str) -> Path:
        """The file made from a template of `conf/`."""
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        for name, value in (("FOLDER", self.folder), ("PORT", self.port), ("UPSTREAM", self.upstream)):
            text = text.replace(f"@{name}@", str(value))
        target = self.folder / template.removesuffix(".in")
        target.write_text(text, encoding="utf-8")
        return target


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """One proxy, ready to start."""

    name: str
    place: Place
    command: tuple[str, ...]
    path: str = "/v1/chat/completions"
    model: str = bodies.MODEL
    headers: tuple[str, ...] = ()  # each "name: value"
    env: dict[str, str] = {}
    port_file: bool = False  # it takes a port of its own choice and writes it to PLACE/port
    version: str = ""


class Running:
    """A contender that has answered a request."""

    def __init__(self, contender: Contender, process: subprocess.Popen[bytes], port: int) -> None:
        self.contender = contender
        self.name = contender.name
        self.pid = process.pid
        self._process = process
        self.port = port

    def demand(self) -> None:
        """Be there.

        Raises:
            RuntimeError: the process has ended.
        """
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"it ended with exit code {code}; it said: {said(self.contender.place)}")

    def body(self, name: str) -> bytes:
        """The request body of that name, as this contender wants it."""
        return bodies.encode(name, model=self.contender.model)

    def request(self, name: str) -> bytes:
        """A whole HTTP request with that body."""
        body, contender = self.body(name), self.contender
        lines = [
            f"POST {contender.path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            "content-type: application/json",
            *contender.headers,
            f"content-length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def ask(self, name: str, *, timeout_s: float = 10.0) -> http.client.HTTPResponse:
        """One exchange on a connection of its own; the answer has been read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        headers = dict(line.split(": ", 1) for line in self.contender.headers)
        with contextlib.closing(connection):
            body, path = self.body(name), self.contender.path
            connection.request("POST", path, body, {"content-type": "application/json"} | headers)
            response = connection.getresponse()
            response.read()
            return response


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(contenders: Sequence[Contender], *, core: int) -> Iterator[list[Running]]:
    """Start them all on one core; those that never answer are left out, with a word why."""
    with contextlib.ExitStack() as stack:
        started = [(contender, _start(stack, contender, core)) for contender in contenders]
        found = []
        for contender, process in started:
            try:
                found.append(_ready(contender, process))
            except RuntimeError as error:
                print(f"skipped {contender.name}: {error}")
        yield found


def _start(stack: contextlib.ExitStack, contender: Contender, core: int) -> subprocess.Popen[bytes]:
    folder = contender.place.folder
    log = stack.enter_context((folder / "log").open("wb"))
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *contender.command],
        cwd=folder,
        env=dict(os.environ) | contender.env,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    stack.callback(process.wait)
    stack.callback(processes.stop, process.pid)
    return process


def _ready(contender: Contender, process: subprocess.Popen[bytes]) -> Running:
    folder, problem = contender.place.folder, "no answer"
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
        try:
            port = int((folder / "port").read_text()) if contender.port_file else contender.place.port
            candidate = Running(contender, process, port)
            if (status := candidate.ask("small").status) == 200:
                return candidate
            problem = f"status {status}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            problem = str(error)
    code = process.poll()
    raise RuntimeError(f"{problem if code is None else f'exit code {code}'}; it said: {said(contender.place)}")


def said(place: Place) -> str:
    """The end of a contender's log."""
    return (place.folder / "log").read_text(errors="replace")[-300:].strip()

"""The two C programs beside this file: the mock upstream, and the client whose windows are measured."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.overhead import processes
from benchmarks.overhead.contender import Running

_SOURCES = Path(__file__).parent / "load"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the client does.  `rate` 0 is the closed loop; see the head of client.c."""

    body: str
    connections: int
    seconds: float
    warm_s: float = 1.0
    ramp_s: float = 0.0
    rate: float = 0.0
    least: int = 0  # requests or events; the window lasts longer, up to ten times, until they are done


class Report(msgspec.Struct, frozen=True):
    """What the client says at its end."""

    seconds: float
    finished: int
    events: int
    bad: int  # answers that were not 200, or streams without [DONE], warm-up included
    failed: int  # connections lost before the whole answer
    p50_ms: float
    p99_ms: float


class Window(msgspec.Struct, frozen=True):
    """A measured window: the client's report, and the proxy's CPU time and memory in it."""

    report: Report
    cpu_s: float
    rss_mib: float
    open: int  # answers under way when it began
    problem: str = ""  # the first bad answer

    @property
    def rate(self) -> float:
        """Requests a second by the clock."""
        return self.report.finished / self.report.seconds

    @property
    def us_per_request(self) -> float:
        """CPU microseconds of the proxy; infinite when nothing was answered."""
        return self.cpu_s / self.report.finished * 1e6 if self.report.finished else float("inf")

    @property
    def us_per_event(self) -> float:
        """CPU microseconds of the proxy; infinite when no event came."""
        return self.cpu_s / self.report.events * 1e6 if self.report.events else float("inf")

    @property
    def failures(self) -> int:
        """Requests without a good answer."""
        return self.report.bad + self.report.failed


class Tools:
    """The compiled programs."""

    def __init__(self, folder: Path) -> None:
        """Compile them into `folder`."""
        self._folder = folder
        for name in ("upstream", "client"):
            subprocess.run(["cc", "-O2", "-o", str(folder / name), str(_SOURCES / f"{name}.c")], check=True)

    @contextlib.contextmanager
    def upstream(self, port: int) -> Iterator[None]:
        """The mock model server."""
        process = subprocess.Popen([self._folder / "upstream", str(port)])
        try:
            _listening(port)
            yield
        finally:
            process.terminate()
            process.wait()

    def run(self, running: Running, load: Load) -> Window:
        """One window against a contender.

        Raises:
            RuntimeError: the contender has ended, or the client could not connect.
        """
        running.demand()
        body = self._folder / "body.json"
        body.write_bytes(running.body(load.body))
        command = [str(self._folder / "client"), "-p", str(running.port), "-u", running.contender.path, "-b", str(body)]
        command += [part for header in running.contender.headers for part in ("-H", header)]
        command += ["-c", str(load.connections), "-d", str(load.seconds), "-w", str(load.warm_s)]
        command += ["-g", str(load.ramp_s), "-r", str(load.rate), "-n", str(load.least)]
        errors, pids = self._folder / "errors", processes.tree(running.pid)  # found now: a reading must be quick
        with (
            errors.open("wb") as stderr,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as client,
        ):
            assert client.stdout is not None
            begin, before = client.stdout.readline().split(), processes.cpu(pids)
            client.stdout.readline()
            after, rss_mib = processes.cpu(pids), processes.rss_mib(running.pid)
            said = client.stdout.read()
        problem = _gist(errors.read_text(errors="replace"))
        if not said:
            raise RuntimeError(f"the load client failed: {problem}")
        report = msgspec.json.decode(said, type=Report)
        return Window(report, processes.cpu_s(before, after), rss_mib, int(begin[1]), problem)


def _gist(text: str) -> str:
    """The first line, a status, and the last, which of an error answer is its body."""
    lines = text.strip().splitlines()
    return " ... ".join(dict.fromkeys(line.strip()[:200] for line in (lines[:1] + lines[-1:])))


def _listening(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"the mock upstream does not listen on port {port}")

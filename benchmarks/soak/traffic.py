"""The C program beside this file, as it runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

_SOURCE = Path(__file__).parent / "traffic.c"
STREAMED = 0.2


class Interval(msgspec.Struct, frozen=True):
    """What the client says of each interval; see the head of traffic.c."""

    sent: int
    plain: int
    streams: int
    bad: int
    failed: int
    p50_ms: float
    p99_ms: float
    longest_ms: float

    @property
    def failures(self) -> int:
        """Requests without a good answer."""
        return self.bad + self.failed


class Traffic:
    """The compiled program."""

    def __init__(self, folder: Path) -> None:
        """Compile it into `folder`."""
        self._program = folder / "traffic"
        self._errors = folder / "traffic-errors"
        subprocess.run(["cc", "-O2", "-o", str(self._program), str(_SOURCE)], check=True)

    def run(self, port: int, *, rate: float, seconds: float, every_s: float) -> Iterator[Interval]:
        """Traffic for so long; an interval as soon as it is over, the last one when the last answer is there.

        Raises:
            RuntimeError: the client could not connect.
        """
        command = [str(self._program), "-p", str(port), "-r", str(rate), "-d", str(seconds)]
        command += ["-s", str(STREAMED), "-e", str(every_s)]
        with (
            self._errors.open("wb") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as client,
        ):
            assert client.stdout is not None
            for line in client.stdout:
                yield msgspec.json.decode(line, type=Interval)
        if client.returncode:
            raise RuntimeError(f"the traffic client failed: {self.problem}")

    @property
    def problem(self) -> str:
        """The first bad answer of the last run."""
        return self._errors.read_text(errors="replace").strip()[:500]

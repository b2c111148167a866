"""Starts `monitors.report` as a process of its own, with a time limit: whatever it does, who started it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import os
import signal
import sys
from pathlib import Path

import msgspec

from domain import config
from domain.errors import PreceptorError

_LOG = logging.getLogger(__name__)
LIMIT_S = 90.0
_NOTHING = 3  # the exit code of `monitors.report` when there is nothing to report
_NICENESS = 10  # answering and watching come first
_NOT_PASSED_ON = frozenset({"PROMETHEUS_MULTIPROC_DIR"})  # a short-lived process would leave its sample files behind


class Outcome(enum.StrEnum):
    """How a report ended."""

    WRITTEN = "written"
    NOTHING = "nothing"  # there was nothing to report
    FAILED = "failed"
    TIMEOUT = "timeout"  # it was stopped


class ReportJob(msgspec.Struct, frozen=True):
    """A report to be made; see `monitors.report`."""

    task: str
    out: Path
    after: float = 0.0
    day: str = ""
    signal_id: str = ""
    workspace: Path | None = None

    def command(self, path: Path) -> list[str]:
        """The command that makes it; `path`: the configuration."""
        command = [sys.executable, "-m", "monitors.report", "--config", str(path), "--task", self.task]
        command += ["--out", str(self.out), "--after", repr(self.after)]
        command += ["--day", self.day] if self.day else []
        command += ["--signal", self.signal_id] if self.signal_id else []
        return command + (["--workspace", str(self.workspace)] if self.workspace else [])


class _Ended(msgspec.Struct, frozen=True):
    code: int | None  # None: it was stopped
    said: str  # the last line of what it wrote


async def make_report(path: Path, job: ReportJob, *, limit_s: float = LIMIT_S) -> Outcome:
    """Make a report in the background; never raises for what the process did.

    `path` is that of the configuration.  A process that takes longer than `limit_s` is killed.
    """
    ended = await _run(job.command(path), limit_s)
    if ended.code == 0:
        return Outcome.WRITTEN
    if ended.code == _NOTHING:
        return Outcome.NOTHING
    # Its last words may quote an input, so they stay out of the log.
    name = job.out.name
    if ended.code is None:
        _LOG.error("report_stopped task=%s report=%s after_s=%g", job.task, name, limit_s)
        return Outcome.TIMEOUT
    _LOG.error("report_failed task=%s report=%s exit=%s", job.task, name, ended.code)
    return Outcome.FAILED


def report_in_subprocess(
    path: Path, task: str, out: Path, *, after: float = 0.0, day: str = "", timeout_s: float = LIMIT_S
) -> None:
    """Write the report of a task to `out`, and wait for it.

    Raises:
        PreceptorError: there is nothing to report, or it took longer than `timeout_s`.
    """
    ended = asyncio.run(_run(ReportJob(task, out, after=after, day=day).command(path), timeout_s))
    if ended.code is None:
        raise PreceptorError(f"the report of {task} took longer than {timeout_s:g} s and was stopped")
    if ended.code:
        raise PreceptorError(f"the report of {task} failed: {ended.said or 'no message'}")


async def _run(command: list[str], limit_s: float) -> _Ended:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
        start_new_session=True,  # so that what it may have started is stopped with it
    )
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    try:
        _, said = await asyncio.wait_for(process.communicate(), limit_s)
    except TimeoutError:
        return _Ended(None, "")
    finally:
        await _stop(process)
    lines = said.decode(errors="replace").strip().splitlines()
    return _Ended(process.returncode, lines[-1] if lines else "")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _environment() -> dict[str, str]:
    passed = {name: value for name, value in config.environment().items() if name not in _NOT_PASSED_ON}
    return passed | {"DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}  # Evidently's switch; it reports to nobody from here

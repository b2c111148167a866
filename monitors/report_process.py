"""Starts `monitors.report` as a process of its own, with a time limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from domain import config
from domain.errors import PreceptorError


def report_in_subprocess(path: Path, task: str, out: Path, *, after: float = 0.0, timeout_s: float = 90.0) -> None:
    """Write the report of a task to `out`; see `monitors.report`.

    Raises:
        PreceptorError: there is nothing to report, or it took longer than `timeout_s`.
    """
    command = [sys.executable, "-m", "monitors.report", "--config", str(path), "--task", task, "--out", str(out)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, arguments as a list
            [*command, "--after", repr(after)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**config.environment(), "DO_NOT_TRACK": "1"},  # Evidently's switch; it reports to nobody from here
        )
    except subprocess.TimeoutExpired:
        raise PreceptorError(f"the report of {task} took longer than {timeout_s:g} s and was stopped") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PreceptorError(f"the report of {task} failed: {last}")

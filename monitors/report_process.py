"""Starts `monitors.report` as a process of its own, with a time limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from domain.errors import PreceptorError


def report_in_subprocess(config: Path, task: str, out: Path, *, after: float = 0.0, timeout_s: float = 90.0) -> None:
    """Write the report of a task to `out`; see `monitors.report`.

    Raises:
        PreceptorError: there is nothing to report, or it took longer than `timeout_s`.
    """
    command = [sys.executable, "-m", "monitors.report", "--config", str(config), "--task", task, "--out", str(out)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, arguments as a list
            [*command, "--after", repr(after)], capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise PreceptorError(f"the report of {task} took longer than {timeout_s:g} s and was stopped") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PreceptorError(f"the report of {task} failed: {last}")

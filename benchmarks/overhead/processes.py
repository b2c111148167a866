"""What /proc says about a process and its descendants: CPU time to the nanosecond, and memory."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = collections.defaultdict(list)
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children[parent].append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children[found[-1]]
    return found


def cpu(pids: Iterable[int]) -> dict[int, int]:
    """Nanoseconds on a core so far, by thread.  The clock of a busy machine lies; these do not."""
    times = {}
    for process in pids:
        with contextlib.suppress(OSError):
            for thread in (_PROC / str(process) / "task").iterdir():
                times[int(thread.name)] = int((thread / "schedstat").read_text().split()[0])
    return times


def cpu_s(before: dict[int, int], after: dict[int, int]) -> float:
    """Seconds between two readings; a thread that ended in between is lost, so windows are short."""
    return sum(time - before.get(thread, 0) for thread, time in after.items()) / 1e9


def rss_mib(pid: int) -> float:
    """Resident memory of the tree."""
    pages = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            pages += int((_PROC / str(process) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def stop(pid: int, *, patience_s: float = 1.0) -> None:
    """End the tree: first politely, then for good."""
    victims = tree(pid)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, number)
        until = time.monotonic() + patience_s
        while time.monotonic() < until and any(_alive(victim) for victim in victims):
            time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

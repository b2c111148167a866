"""`make bench NAME=journal [QUICK=1]`: the journal at a steady rate, at its ceiling, and on a disk that fails it.

Needs Linux, a C compiler and two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sqlite3
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from benchmarks.journal import sustained, troubled
from benchmarks.journal.troubled import Plan
from benchmarks.results import Results

_NICE = -15


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.journal", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 s at the steady rate instead of 60; short windows")
    options = parser.parse_args()
    with contextlib.suppress(PermissionError):  # needs root: a busy machine disturbs less
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("benchmarks.journal needs two cores: one for the gateway, one for the load")
    versions = {"sqlite": sqlite3.sqlite_version, "kernel": platform.release(), "cores": str(os.cpu_count())}
    versions |= {name: metadata.version(name) for name in ("msgspec", "uvloop")}
    results = Results("journal", versions=versions)
    with tempfile.TemporaryDirectory() as scratch:
        sustained.measure(results, Path(scratch), seconds=10.0 if options.quick else 60.0)
        core, own = sorted(os.sched_getaffinity(0))[:2]
        os.sched_setaffinity(0, {own})  # of this process, the upstream and the load client; the gateway gets the other
        plan = Plan(rounds=1, seconds=5.0) if options.quick else Plan(rounds=3, seconds=10.0)
        troubled.measure(results, Path(scratch), core, plan)
    results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the machine shows while the traffic runs: memory and CPU time of each process, and its own metrics."""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.overhead import processes
from benchmarks.soak.machine import Machine


class Sample(msgspec.Struct, frozen=True):
    """One look, `at` seconds of the monotonic clock."""

    at: float
    roles: dict[str, int]
    rss_mib: dict[str, float]
    cpu_s: dict[str, float]  # since the process began
    metrics: dict[str, float]


def look(machine: Machine) -> Sample:
    """Now."""
    roles = machine.roles()
    return Sample(
        at=time.monotonic(),
        roles=roles,
        rss_mib={role: _rss_mib(pid) for role, pid in roles.items()},
        cpu_s={role: processes.cpu_s({}, processes.cpu([pid])) for role, pid in roles.items()},
        metrics=totals(machine.exposition()),
    )


def totals(exposition: str) -> dict[str, float]:
    """The sums of all samples of a name; requests that did not go well have a name of their own."""
    found: dict[str, float] = collections.defaultdict(float)
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            found[sample.name] += sample.value
            if sample.name == "preceptor_requests_total" and sample.labels["outcome"] != "ok":
                found["not ok"] += sample.value
    return found


def _rss_mib(pid: int) -> float:
    """Resident memory of one process, its children apart."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def slope_mib(samples: Sequence[Sample], role: str) -> float:
    """Growth of a process in MiB a minute: the least-squares line over the second half of the samples."""
    half = samples[len(samples) // 2 :]
    minutes = np.array([sample.at for sample in half]) / 60
    slope, _ = np.polyfit(minutes - minutes[0], [sample.rss_mib[role] for sample in half], 1)
    return float(slope)


def cores(samples: Sequence[Sample], role: str) -> float:
    """CPU seconds a second between the first sample and the last."""
    first, last = samples[0], samples[-1]
    return (last.cpu_s[role] - first.cpu_s[role]) / (last.at - first.at)

"""`make bench NAME=soak [QUICK=1]`: 1,500 requests/s for ten minutes, everything running, on the cores of this machine.

80 % of the requests are plain and 20 % streamed (20 events, 20 ms apart); no two are alike.  5 % are journalled and
watched by the monitors, 1 % asked of the teacher.  Needs Linux and a C compiler; the client and the mock model server
take their share of the same cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.overhead.contender import Place, free_port
from benchmarks.overhead.load import Tools
from benchmarks.overhead.preceptor import versions
from benchmarks.results import Results
from benchmarks.soak import machine, student, watch
from benchmarks.soak.machine import Machine
from benchmarks.soak.traffic import Interval, Traffic
from benchmarks.soak.watch import Sample

_RATE = 1500.0
_DRAIN_S = 3.0  # for journal and monitors, after the last request
_CASE = f"{_RATE:,.0f} requests/s"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of a run."""

    heat_s: float  # traffic before the promotion: what the reference is built from
    seconds: float
    every_s: float


FULL = Plan(heat_s=30.0, seconds=600.0, every_s=5.0)
QUICK = Plan(heat_s=8.0, seconds=30.0, every_s=2.0)


def soak(results: Results, scratch: Path, plan: Plan) -> None:
    """Heat up, promote, then measure."""
    tools, traffic, upstream = Tools(scratch), Traffic(scratch), free_port()
    place = Place(folder=scratch / "machine", port=free_port(), upstream=upstream)
    place.folder.mkdir()
    with tools.upstream(upstream), machine.serving(place, admin_port=free_port()) as running:
        heat = list(traffic.run(running.port, rate=_RATE, seconds=plan.heat_s, every_s=plan.every_s))
        time.sleep(_DRAIN_S)
        print(f"heat: {sum(i.failures for i in heat)} failures, reference of {student.promote(place.folder)} inputs")
        intervals, samples = measured(traffic, running, plan)
        if sum(interval.failures for interval in intervals):
            print(traffic.problem)
        time.sleep(_DRAIN_S)
        samples.append(watch.look(running))
        answered(results, intervals, plan)
        recorded(results, samples, place.folder)
        used(results, samples[:-1], full=plan.seconds >= FULL.seconds)


def measured(traffic: Traffic, running: Machine, plan: Plan) -> tuple[list[Interval], list[Sample]]:
    """A sample of the machine at the end of each interval of the traffic, and one before."""
    intervals, samples = [], [watch.look(running)]
    for interval in traffic.run(running.port, rate=_RATE, seconds=plan.seconds, every_s=plan.every_s):
        intervals.append(interval)
        samples.append(watch.look(running))
    return intervals, samples


def answered(results: Results, intervals: list[Interval], plan: Plan) -> None:
    """What the clients saw."""
    n = sum(interval.plain + interval.streams for interval in intervals)
    failures = sum(interval.failures for interval in intervals)
    results.add(_CASE, "answered well", n / plan.seconds, "per s", target=f">= {0.999 * _RATE:g}", n=n)
    results.add(_CASE, "of these streamed", sum(i.streams for i in intervals) / n, "share", n=n)
    results.add(_CASE, "failed", failures, "requests", target="== 0", n=n)
    for metric in ("p50_ms", "p99_ms"):
        value = statistics.median(getattr(interval, metric) for interval in intervals)
        results.add(_CASE, f"latency {metric.removesuffix('_ms')}, of it 20 ms the model's", value, "ms", n=n)
    longest = max(interval.longest_ms for interval in intervals)
    results.add(_CASE, "latency, longest", longest, "ms", n=n)


def recorded(results: Results, samples: list[Sample], folder: Path) -> None:
    """What became of the exchanges."""
    first, last = samples[0].metrics, samples[-1].metrics
    backlog, pairs = student.ended(folder)
    results.add(_CASE, "outcomes other than ok", last["not ok"] - first["not ok"], "requests", target="== 0")
    results.add(_CASE, "journal dropped", last["preceptor_journal_dropped_total"], "exchanges", target="== 0")
    results.add(_CASE, "journal, most waiting", max(s.metrics["preceptor_journal_queue"] for s in samples), "exchanges")
    lag = max(sample.metrics["preceptor_monitor_lag_seconds"] for sample in samples)
    results.add(_CASE, "monitors behind, most", lag, "s", target="<= 5", n=len(samples))
    results.add(_CASE, "not yet watched at the end", backlog.unread, "exchanges", target="== 0")
    results.add(_CASE, "shadow samples not asked at the end", backlog.pending_pairs, "pairs", target="== 0")
    for state, count in sorted(pairs.items()):
        results.add(_CASE, f"shadow samples {state}", count, "pairs")
    failures = last["preceptor_monitor_store_failures_total"]
    results.add(_CASE, "batches rolled back", failures, "batches", target="== 0")


def used(results: Results, samples: list[Sample], *, full: bool) -> None:
    """Memory and cores of each process."""
    roles = samples[0].roles
    restarts = sum(sample.roles != roles for sample in samples)
    results.add(_CASE, "samples with another set of processes", restarts, "samples", target="== 0", n=len(samples))
    if restarts:
        return
    for role in sorted(roles):
        growth, target = watch.slope_mib(samples, role), "<= 1" if full else ""
        results.add(role, "memory", samples[-1].rss_mib[role], "MiB")
        results.add(role, "memory, growth in the second half", growth, "MiB/min", target=target, n=len(samples) // 2)
        results.add(role, "cores", watch.cores(samples, role), "cores")
    results.add("all of these", "cores", sum(watch.cores(samples, role) for role in roles), "cores", target="<= 2")


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute")
    parser.add_argument("--seconds", type=float, help="another length; growth has a target only from 600 s on")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    if options.seconds:
        plan = msgspec.structs.replace(plan, seconds=options.seconds)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    about = {"kernel": platform.release(), "cores": str(len(os.sched_getaffinity(0)))}
    results = Results("soak", versions=versions() | about)
    with tempfile.TemporaryDirectory() as scratch:
        soak(results, Path(scratch), plan)
    results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A stalled or full disk under a gateway that serves: latency must not move, and every lost exchange is counted.

Windows of a healthy and of a troubled disk take turns, and medians are compared, so that a noisy moment of the machine
spoils one window and not the result.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import msgspec

from benchmarks.journal import worker
from benchmarks.journal.worker import Account, Disk
from benchmarks.overhead import processes
from benchmarks.overhead.contender import Place, Running, free_port, running
from benchmarks.overhead.load import Load, Report, Tools
from benchmarks.results import Results

_PATIENCE_S = 29.0  # the supervisor kills after 30
_RATE = 500.0
_QUEUE = 1000  # full after two seconds, so that most of a window is spent dropping


class Plan(msgspec.Struct, frozen=True):
    """`rounds` of two windows each, of `seconds`."""

    rounds: int
    seconds: float


def measure(results: Results, folder: Path, core: int, plan: Plan) -> None:
    """Each trouble on a gateway of its own."""
    tools, port = Tools(folder), free_port()
    with tools.upstream(port):
        for trouble in ("stalled", "full"):
            place = Place(folder=folder / trouble, port=free_port(), upstream=port)
            place.folder.mkdir()
            disk = Disk(place.folder)
            with running([worker.contender(place, disk, queue=_QUEUE)], core=core) as gateways:
                for gateway in gateways:
                    _latency(results, tools, gateway, disk, trouble, plan)
                    _ended(results, tools, gateway, disk, trouble)


def _latency(results: Results, tools: Tools, gateway: Running, disk: Disk, trouble: str, plan: Plan) -> None:
    load = Load(body="small", connections=64, seconds=plan.seconds, rate=_RATE)
    tools.run(gateway, load)
    healthy: list[Report] = []
    troubled: list[Report] = []
    waiting = []
    for _ in range(plan.rounds):
        healthy.append(tools.run(gateway, load).report)
        with disk.being(trouble):
            troubled.append(tools.run(gateway, load).report)
            waiting.append(Account(gateway.contender.place.folder).waiting)
        worker.settle(gateway)
    account, case = worker.settle(gateway), f"disk {trouble}, {_RATE:.0f} requests/s"
    n = sum(report.finished for report in troubled)
    for metric in ("p50_ms", "p99_ms"):
        before, during = (statistics.median(getattr(r, metric) for r in reports) for reports in (healthy, troubled))
        name = metric.removesuffix("_ms")
        results.add(case, f"latency {name}, disk well", before, "ms", n=n)
        results.add(case, f"latency {name}, disk {trouble}", during, "ms", n=n)
        results.add(case, f"latency {name}, ratio", during / before, "x", target="<= 1.5", n=n)
    failures = sum(report.bad + report.failed for report in healthy + troubled)
    results.add(case, "requests failed", failures, "requests", target="== 0", n=n)
    results.add(
        case, "shown as waiting", statistics.median(waiting), "exchanges", target=f"== {_QUEUE}", n=len(waiting)
    )
    _account(results, case, account)


def _ended(results: Results, tools: Tools, gateway: Running, disk: Disk, trouble: str) -> None:
    """SIGTERM while the disk is in trouble: what could not be written is counted, too."""
    with disk.being(trouble):
        tools.run(gateway, Load(body="small", connections=64, seconds=1.0, rate=_RATE))
        began = time.monotonic()
        processes.stop(gateway.pid, patience_s=_PATIENCE_S)
        took_s = time.monotonic() - began
    case = f"disk {trouble}, then SIGTERM"
    results.add(case, "gone after", took_s, "s", target=f"<= {_PATIENCE_S:g}")
    _account(results, case, Account(gateway.contender.place.folder))


def _account(results: Results, case: str, account: Account) -> None:
    n = account.offered
    results.add(case, "offered", account.offered, "exchanges", n=n)
    results.add(case, "written", account.written, "exchanges", n=n)
    results.add(case, "dropped and counted", account.dropped, "exchanges", target=">= 1", n=n)
    results.add(case, "neither written nor counted", account.missing, "exchanges", target="== 0", n=n)

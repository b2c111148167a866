"""`make bench NAME=overhead [DATA=DIR] [QUICK=1]`: Preceptor beside its peers, proxies on one core, load on another.

DIR is what `benchmarks/overhead/install_peers.sh DIR` filled; peers that are not there are left out, with a word why.
Needs Linux, a C compiler and two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.overhead import behaviour, latency, memory, peers, preceptor, throughput
from benchmarks.overhead.contender import Contender, Place, Running, free_port, running
from benchmarks.overhead.fickle import Fickle
from benchmarks.overhead.load import Tools
from benchmarks.overhead.plan import FULL, QUICK, Plan
from benchmarks.results import Results


class Bench:
    """One run: where it works, what it has found."""

    def __init__(self, scratch: Path, folder: Path, plan: Plan, chosen: Sequence[str]) -> None:
        self._scratch = scratch
        self._peers = folder
        self._plan = plan
        self._chosen = chosen
        self._core, own = sorted(os.sched_getaffinity(0))[:2]
        os.sched_setaffinity(0, {own})  # of this process, the upstream and the load client; proxies get the other one
        self._tools = Tools(scratch)
        self._results = Results("overhead", versions=preceptor.versions() | _machine())

    def run(self) -> None:
        """Everything, in an order in which no part spoils the next."""
        port = free_port()
        with self._tools.upstream(port):
            rate = self._load(port)
            self._latency(port, rate)
            self._memory(port)
        asyncio.run(self._behaviour(free_port()))
        self._results.write()

    def _load(self, upstream: int) -> float:
        """CPU and memory of all; returns the rate at which our gateway was saturated."""
        with running(self._contenders("load", upstream), core=self._core) as proxies:
            self._results.versions |= {p.name: p.contender.version for p in proxies if p.contender.version}
            for proxy in proxies:
                preceptor.verify(self._results, proxy)
            throughput.heat(self._tools, proxies, self._plan)
            windows = throughput.measure(self._tools, proxies, self._plan)
            throughput.report(self._results, windows)
            for proxy in proxies:
                memory.idle(self._results, proxy)
        return throughput.saturated_rate(windows, preceptor.FEATURES)

    def _latency(self, upstream: int, rate: float) -> None:
        found = peers.nginx(self._place("latency-nginx", upstream), self._peers)
        if isinstance(found, str) or not rate:
            print(f"skipped the added latency: {found if rate else 'the saturated rate is not known'}")
            return
        ours = preceptor.features(self._place("latency-features", upstream))
        with running([found, ours], core=self._core) as proxies:
            if len(proxies) == 2:
                nginx, gateway = proxies
                with _part("added latency"):
                    latency.measure(self._results, self._tools, nginx, gateway, rate=rate / 2, plan=self._plan)

    def _memory(self, upstream: int) -> None:
        """On fresh processes: what an old one has freed would hide what a reader costs."""
        with running(self._contenders("readers", upstream), core=self._core) as proxies:
            for proxy in proxies:
                with _part(f"{proxy.name}, slow readers"):
                    memory.slow_readers(self._results, self._tools, proxy, self._plan)
        with running([preceptor.live(self._place("streams", upstream))], core=self._core) as proxies:
            for proxy in proxies:
                with _part(f"{proxy.name}, open streams"):
                    memory.open_streams(self._results, self._tools, proxy, self._plan)

    async def _behaviour(self, port: int) -> None:
        async with Fickle().listening(port) as upstream:
            with contextlib.ExitStack() as stack:
                contenders = self._contenders("behaviour", port)
                proxies: list[Running] = await asyncio.to_thread(
                    stack.enter_context, running(contenders, core=self._core)
                )
                for proxy in proxies:
                    await behaviour.measure(self._results, upstream, proxy, self._plan)

    def _contenders(self, stage: str, upstream: int) -> list[Contender]:
        found = []
        for name in self._chosen:
            peer = peers.ALL[name](self._place(f"{stage}-{name}", upstream), self._peers)
            if isinstance(peer, str):
                print(f"skipped {name}: {peer}")
            else:
                found.append(peer)
        ours = preceptor.features(self._place(f"{stage}-features", upstream))
        flowing = preceptor.live(self._place(f"{stage}-live", upstream))
        return [ours, flowing, preceptor.bare(self._place(f"{stage}-bare", upstream)), *found]

    def _place(self, name: str, upstream: int) -> Place:
        folder = self._scratch / name
        folder.mkdir()
        return Place(folder=folder, port=free_port(), upstream=upstream)


@contextlib.contextmanager
def _part(name: str) -> Iterator[None]:
    """What cannot be measured is said, and costs nothing of the rest."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        print(f"skipped {name}: {error}")


def _machine() -> dict[str, str]:
    """What the figures hold for."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return {"kernel": platform.release(), "processor": f"{os.cpu_count()} x {model}"}


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.overhead", description=__doc__)
    parser.add_argument("--peers", "--data", type=Path, default=Path("peers"), help="where install_peers.sh put them")
    parser.add_argument("--only", default="", help="some of the peers, by name: nginx,litellm")
    parser.add_argument("--quick", action="store_true", help="one short window of each")
    parser.add_argument("--nice", type=int, default=-15, help="priority; a busy machine disturbs less (needs root)")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("benchmarks.overhead needs two cores: one for the proxies, one for the load")
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, options.nice)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # inherited: open streams need two descriptors each
    chosen = options.only.split(",") if options.only else list(peers.ALL)
    if unknown := set(chosen) - set(peers.ALL):
        sys.exit(f"unknown peers: {', '.join(sorted(unknown))}; known are {', '.join(peers.ALL)}")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), options.peers.resolve(), QUICK if options.quick else FULL, chosen)
        bench.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

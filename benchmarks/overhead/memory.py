"""Resident memory: a worker after its load, per open stream, and per reader that never reads."""

from __future__ import annotations

import socket
import time

from benchmarks.overhead import processes
from benchmarks.overhead.contender import Running
from benchmarks.overhead.load import Load, Tools
from benchmarks.overhead.plan import Plan
from benchmarks.overhead.preceptor import FEATURES, LIVE
from benchmarks.results import Results

_READERS = 20
_RECEIVE_BYTES = 65536  # of the kernel's buffer: the default would take megabytes of each stream by itself
_HOPELESS_MIB = 4096


def idle(results: Results, proxy: Running) -> None:
    """A worker that has just answered everything."""
    time.sleep(1)
    target = "<= 70" if proxy.name == FEATURES else ""
    results.add(proxy.name, "RSS of a worker after load", processes.rss_mib(proxy.pid), "MiB", target=target)


def open_streams(results: Results, tools: Tools, proxy: Running, plan: Plan) -> None:
    """Streams with an event a second, all open at once, on a worker that did nothing but warm up."""
    before = _warm(tools, proxy)
    ramp_s = plan.streams / 1000
    window = tools.run(
        proxy, Load(body="open", connections=plan.streams, seconds=1.0, warm_s=ramp_s + 4.0, ramp_s=ramp_s)
    )
    results.add(proxy.name, "streams open at a time", window.open, "streams", target=f">= {plan.streams}")
    if window.open:
        each = (window.rss_mib - before) * 1024 / window.open
        results.add(proxy.name, "memory per open stream", each, "KiB", target="<= 32", n=window.open)


def slow_readers(results: Results, tools: Tools, proxy: Running, plan: Plan) -> None:
    """Clients that ask for a huge stream and never read it; what the kernel holds for them is not counted."""
    before = highest = _warm(tools, proxy)
    request, readers = proxy.request("flood"), []
    for _ in range(_READERS):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        reader.connect(("127.0.0.1", proxy.port))
        reader.sendall(request)
        readers.append(reader)
    until = time.monotonic() + plan.slow_s
    while time.monotonic() < until and highest < before + _HOPELESS_MIB:
        time.sleep(0.2)
        highest = max(highest, processes.rss_mib(proxy.pid))
    for reader in readers:
        reader.close()
    target = "<= 1" if proxy.name == LIVE else ""
    each = (highest - before) / _READERS
    results.add(proxy.name, "memory per slow reader", each, "MiB", target=target, n=_READERS)


def _warm(tools: Tools, proxy: Running) -> float:
    """MiB of a process that has loaded what it needs, and has had no load to speak of."""
    tools.run(proxy, Load(body="stream", connections=_READERS, seconds=1.0))
    return processes.rss_mib(proxy.pid)

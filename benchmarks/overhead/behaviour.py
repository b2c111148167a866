"""Manners: is the upstream freed when a client leaves, and do kept connections that close become errors of a client?"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time

from benchmarks.overhead.contender import Running
from benchmarks.overhead.fickle import Fickle, Mood
from benchmarks.overhead.plan import Plan
from benchmarks.overhead.preceptor import FEATURES, OURS
from benchmarks.results import Results

_NEVER_S = 3.0  # reported as 3,000 ms
_ANSWER_S = 10.0
_LEAVES = 5
_RACES_S = (0.001, 0.003)


async def measure(results: Results, upstream: Fickle, proxy: Running, plan: Plan) -> None:
    """All of it for one contender."""
    ours = proxy.name in OURS
    for mood, moment in ((Mood.SILENT, "before the first byte"), (Mood.ENDLESS, "mid-stream")):
        try:
            times = await _leave_often(upstream, proxy, mood)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            print(f"{proxy.name}, client leaves {moment}: could not be tried ({type(error).__name__} {error})")
            if not ours:
                continue
            times = [_NEVER_S]  # a stream that does not flow is no excuse
        value, n = statistics.median(times) * 1000, len(times)
        results.add(proxy.name, f"upstream freed, {moment}", value, "ms", target="<= 50" if ours else "", n=n)
    for delay_s in _RACES_S:
        failed = await _race(upstream, proxy, delay_s=delay_s, requests=plan.races)
        metric = f"lost to closing after {delay_s * 1000:.0f} ms"
        results.add(proxy.name, metric, failed, "requests", target="<= 0" if ours else "", n=plan.races)


async def _leave_often(upstream: Fickle, proxy: Running, mood: Mood) -> list[float]:
    """A few times, so that one pause of the machine does not decide; once if the upstream is never freed."""
    times: list[float] = []
    while len(times) < _LEAVES and max(times, default=0.0) < _NEVER_S:
        times.append(await _leave(upstream, proxy, mood))
    return times


async def _leave(upstream: Fickle, proxy: Running, mood: Mood) -> float:
    """Seconds from the client's reset until the upstream sees its connection close; at most `_NEVER_S`."""
    upstream.mood, upstream.left = mood, asyncio.get_running_loop().create_future()
    upstream.asked.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(proxy.request("small" if mood is Mood.SILENT else "stream"))
    async with asyncio.timeout(_ANSWER_S):
        await upstream.asked.wait()
        if mood is Mood.ENDLESS and proxy.name != FEATURES:  # which holds the stream back until it is judged
            await reader.readuntil(b"data: {")
    await asyncio.sleep(0.3)  # so that the proxy has nothing else to do when the client leaves
    begin = time.monotonic()
    writer.transport.abort()
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(upstream.left, _NEVER_S) - begin
    return _NEVER_S


async def _race(upstream: Fickle, proxy: Running, *, delay_s: float, requests: int) -> int:
    """How many of the requests, one after the other on a kept connection, got no good answer."""
    upstream.mood, upstream.delay_s = Mood.RACE, delay_s
    request, failed = proxy.request("small"), 0
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for number in range(requests):
        good = keep = False
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            streams = streams or await asyncio.open_connection("127.0.0.1", proxy.port)
            streams[1].write(request)
            good, keep = await asyncio.wait_for(_answer(streams[0]), _ANSWER_S)
        failed += not good
        if streams and not keep:
            streams[1].close()
            streams = None
        await asyncio.sleep(number % 5 / 1000)  # sweeps the moment at which the upstream closes
    if streams:
        streams[1].close()
    upstream.mood = Mood.FAITHFUL
    return failed


async def _answer(reader: asyncio.StreamReader) -> tuple[bool, bool]:
    """Whether the status is 200, and whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    else:
        await reader.readuntil(b"0\r\n\r\n")
    return head.split(None, 2)[1] == b"200", b"connection: close" not in head

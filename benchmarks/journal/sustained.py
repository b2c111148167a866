"""The real journal on the real store, in one uvloop process: a steady rate, then as fast as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import uvloop

from adapters.stores.sqlite import from_url
from benchmarks.journal.exchanges import exchanges
from benchmarks.results import Results
from domain import tasks
from domain.records import Exchange
from gateway.journal import Journal, exchange_size

RATE = 2000.0
_TICK_S = 0.005
_MOST = 10_000  # the default of `journal.queue`
_FILL = 5_000  # waiting at the ceiling: always work, never a drop
_TASK = "journal"


class Figures(msgspec.Struct, frozen=True):
    """What one run came to; times in seconds."""

    seconds: float
    accepted: int
    written: int
    dropped: int
    lags: Sequence[float]  # from the offer to the commit, an entry for each exchange
    offers: Sequence[float]  # of a call of `offer`
    holds: Sequence[float]  # by which the event loop came late to a timer
    cpu_s: float


class _Timed:
    """Notes when each exchange was offered, and how long after that it was committed."""

    def __init__(self, folder: Path) -> None:
        self.store = from_url("sqlite:///journal.db", folder)
        self.dropped = 0
        self.lags: list[float] = []
        self.offers: list[float] = []
        self._offered: dict[str, float] = {}
        self.journal = Journal(self.store, self._append, size=exchange_size, most=_MOST, dropped=self._drop)

    def offer(self, exchange: Exchange) -> None:
        """To the journal."""
        began = time.perf_counter()
        if self.journal.offer(exchange):
            self._offered[exchange.id] = began
        self.offers.append(time.perf_counter() - began)

    async def _append(self, batch: Sequence[Exchange]) -> None:
        await self.store.append(batch)
        done = time.perf_counter()
        self.lags += [done - self._offered.pop(exchange.id) for exchange in batch]

    def _drop(self, count: int) -> None:
        self.dropped += count


def measure(results: Results, folder: Path, *, seconds: float) -> None:
    """Both runs, each on a store of its own."""
    steady = _run(folder / "steady", seconds=seconds, rate=RATE)
    case, n = f"steady, {RATE:,.0f} exchanges/s for {seconds:.0f} s", steady.accepted
    results.add(case, "accepted", steady.accepted / steady.seconds, "per s", target=f">= {0.995 * RATE:g}", n=n)
    results.add(case, "dropped", steady.dropped, "exchanges", target="== 0", n=n)
    results.add(
        case, "accepted but not in the store", steady.accepted - steady.written, "exchanges", target="== 0", n=n
    )
    for share, target in ((0.5, ""), (0.99, "<= 100"), (1.0, "")):
        results.add(case, _named("lag", share), _at(steady.lags, share) * 1e3, "ms", target=target, n=n)
    results.add(case, _named("an offer takes", 0.99), _at(steady.offers, 0.99) * 1e6, "us", n=n)
    results.add(case, _named("event loop held", 0.99), _at(steady.holds, 0.99) * 1e3, "ms", n=len(steady.holds))
    results.add(case, "CPU, store's thread included", steady.cpu_s / n * 1e6, "us each", n=n)
    ceiling = _run(folder / "ceiling", seconds=seconds / 3, rate=0.0)
    case, n = "as fast as it goes", ceiling.written
    results.add(case, "written", ceiling.written / ceiling.seconds, "per s", target=f">= {RATE:g}", n=n)
    results.add(case, "dropped", ceiling.dropped, "exchanges", target="== 0", n=n)


def _run(folder: Path, *, seconds: float, rate: float) -> Figures:
    return uvloop.run(_measured(folder, seconds=seconds, rate=rate))


async def _measured(folder: Path, *, seconds: float, rate: float) -> Figures:
    timed = _Timed(folder)
    holds: list[float] = []
    source = exchanges(_TASK, at=time.time())
    timed.journal.start()
    watch = tasks.spawn(_watch_loop(holds), name="watch-loop")
    began, began_cpu = time.perf_counter(), time.process_time()
    if rate:
        await _offer_steadily(timed, source, seconds=seconds, rate=rate)
    else:
        await _offer_all(timed, source, seconds=seconds)
    took = time.perf_counter() - began
    await timed.journal.aclose(timeout_s=60)
    if not rate:  # what was left in the queue took its time as well
        took = time.perf_counter() - began
    cpu_s = time.process_time() - began_cpu
    await tasks.cancel(watch)
    written = (await timed.store.backlog(_TASK)).unread
    await timed.store.aclose()
    accepted = len(timed.offers) - timed.dropped
    return Figures(took, accepted, written, timed.dropped, timed.lags, timed.offers, holds, cpu_s)


async def _offer_steadily(timed: _Timed, source: Iterator[Exchange], *, seconds: float, rate: float) -> None:
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for _ in range(int(elapsed * rate) - len(timed.offers)):
            timed.offer(next(source))
        await asyncio.sleep(_TICK_S)


async def _offer_all(timed: _Timed, source: Iterator[Exchange], *, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for _ in range(_FILL - len(timed.journal)):
            timed.offer(next(source))
        await asyncio.sleep(0)


async def _watch_loop(holds: list[float]) -> None:
    while True:
        due = time.perf_counter() + _TICK_S
        await asyncio.sleep(_TICK_S)
        holds.append(time.perf_counter() - due)


def _at(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share))


def _named(what: str, share: float) -> str:
    return f"{what}, " + {0.5: "p50", 0.99: "p99", 1.0: "longest"}[share]

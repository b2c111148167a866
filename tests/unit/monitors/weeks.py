"""Weeks of a task's traffic in little time: most hours are written as they would have been counted."""

from __future__ import annotations

import msgspec
import numpy as np

from adapters.stores.sqlite import SqliteStore
from domain.clock import ManualClock
from domain.follow_up import Expected, Tally
from domain.records import Deployment, Exchange
from domain.settings import DriftSettings, SignalSettings
from domain.store import WorkBatch
from embedders.hashing import HashingEmbedder
from monitors.arming import state_key
from monitors.hour_book import Page
from monitors.inputs import SILENT
from monitors.ripening import Fit
from monitors.traffic import input_series, pair_series
from monitors.watch import Watch
from monitors.windowed.hours import Hour
from tests.unit.monitors.samples import TASK, FailingStore, exchange, watching

START = 1_700_438_400.0  # Monday, 20 November 2023, 00:00 UTC: day 0
FIRST_HOUR = int(START // 3600)
HOUR_S, DAY_S = 3600.0, 86400.0
LEVELS = (0.2, 0.1, 0.05, 0.01)
MIX = np.array([56, 56, 32, 24]) / 168  # of the clusters in the reference of ordinary inputs
SECTIONS = {
    "drift": DriftSettings(embedder="words", most_per_s=1e9),
    "signal": SignalSettings(cooldown="24h"),
}


def at(day: float, hour: float = 0.0) -> float:
    """Seconds since the epoch of an hour of a day."""
    return START + day * DAY_S + hour * HOUR_S


def hour_of(day: int, hour: int = 0) -> int:
    """The number of an hour since the epoch."""
    return FIRST_HOUR + 24 * day + hour


def counted(seed: int, *, inputs: float = 0.0, pairs: float = 0.0, wrong: float = 0.05) -> Hour:
    """One hour of independent events, as many as these means and shares say."""
    rng = np.random.default_rng(seed)
    seen = rng.poisson(inputs * MIX)
    exceeded, left, before = [], seen, 1.0
    for level in LEVELS:
        left, before = rng.binomial(left, level / before), level
        exceeded.append(left)
    compared = rng.poisson(pairs * MIX)
    words = {"label": {"refund": int(seen[0] + seen[3]), "cancel": int(seen[1]), "status": int(seen[2])}}
    families = words | {"length": {"to_32": int(seen.sum())}, "language": {"en": int(seen.sum())}}
    return Hour(
        inputs=seen.tolist(),
        exceeded=np.transpose(exceeded).tolist(),
        shares=families | {"schema": {"ok": int(seen.sum())}} if inputs else {},
        pairs=compared.tolist(),
        disagreed=rng.binomial(compared, wrong).tolist(),
    )


async def write_days(
    store: SqliteStore,
    deployment: Deployment,
    days: range,
    *,
    inputs: float = 0.0,
    pairs: float = 0.0,
    wrong: float = 0.05,
    hours: range = range(24),
) -> None:
    """Keep whole days with so many inputs and pairs an hour in the series of the deployment, as a worker does."""
    tallies = []
    for series, means in ((input_series(deployment), (inputs, 0.0)), (pair_series(deployment), (0.0, pairs))):
        for number in (hour_of(day, hour) for day in days for hour in hours if any(means)):
            hour = counted(number, inputs=means[0], pairs=means[1], wrong=wrong)
            tallies.append(Tally(task=TASK, series=series, hour=number, body=msgspec.json.encode(Page(hour))))
    await store.commit(WorkBatch(owner="test", at=START, tallies=tallies))


def inputs_at(first: int, texts: list[str], *, since: float, every_s: float = 60.0, **fields) -> list[Exchange]:
    """Exchanges from `first` on, one after the other."""
    return [exchange(first + n, text, at=since + n * every_s, **fields) for n, text in enumerate(texts)]


def expected(first_day: int, last_day: int) -> Expected:
    """The mark of days 0 to 9 as expected."""
    days = (f"2023-11-{20 + day:02d}" for day in (first_day, last_day))
    return Expected(task=TASK, first_day=next(days), last_day=next(days), at=START, by="test")


def fit_of(state: bytes) -> Fit:
    """The fit in the state of a windowed detector."""
    return msgspec.convert(msgspec.json.decode(state)["fit"], Fit)


class Task:
    """A live task: its store, its worker, and the exchanges so far."""

    def __init__(self, store: FailingStore) -> None:
        self.store = store
        self.clock = ManualClock(START)
        self._number = 0
        self.restart()

    def restart(self) -> None:
        """Another worker takes over."""
        self.watch: Watch = watching(self.store, self.clock, HashingEmbedder(), **SECTIONS)

    async def live(self, texts: list[str], *, since: float, every_s: float = 60.0, **fields) -> None:
        """Journal inputs, and handle all of them."""
        self.clock.advance(max(0.0, since - self.clock.now_s()))
        await self.store.append(inputs_at(self._number, texts, since=since, every_s=every_s, **fields))
        self._number += len(texts)
        while await self.watch.step():
            pass

    async def states(self) -> dict[str, bytes]:
        """What is committed of each detector."""
        found = await self.store.detector_states(TASK, state_key(await self.store.deployment(TASK)))
        return {state.detector: state.state for state in found}

    async def fits(self) -> dict[str, tuple[int, bool, str]]:
        """Of each windowed family: the day before which it learned, whether it is armed, and what it waits for."""
        fits = {name: fit_of(state) for name, state in (await self.states()).items() if name != SILENT}
        return {
            name: ((fit.until - hour_of(0)) // 24 if fit.until else -1, fit.armed, fit.waiting)
            for name, fit in fits.items()
        }

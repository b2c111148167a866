"""The teacher's money for a day: no call is made that it has none left for, and it lasts until the evening.

A day is one of the task's time zone.  Its night comes first: what little traffic saves then, the busy hours may use.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import enum
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, NamedTuple

from domain import zones
from monitors.costs import Costs

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.prices import Price
    from domain.records import Pair
    from domain.settings import TaskSettings
    from domain.store import Store

LEAST_PACE = 0.01  # no rate is thinned further; who needs that has no budget for the task
_STEEPNESS = 8


class Day(NamedTuple):
    """From midnight to midnight, in seconds since the epoch; 23 to 25 hours."""

    start: float
    end: float

    def left(self, at: float) -> float:
        """The share of the day that is still to come."""
        return min(1.0, max(0.0, (self.end - at) / (self.end - self.start)))


def day(at: float, zone: dt.tzinfo) -> Day:
    """The day in which `at` lies, in that zone."""
    today = dt.datetime.fromtimestamp(at, zone).date()
    return Day(_midnight(today, zone), _midnight(today + dt.timedelta(days=1), zone))


def pace(*, money_left: float, day_left: float) -> float:
    """What is left of every rate when the shares of money and of time are those, in [LEAST_PACE, 1].

    1 as long as there is more money than time, else (money / time)^8.  Traffic that would spend s times the budget
    drives money / time to s^(-1/7), where the power is s^(-8/7): it spends evenly to the end of the day, after a
    beginning that took 1 - s^(-1/7) in advance (9 % for twice the budget).  There is no forecast, and no memory besides
    what was spent.
    """
    if money_left >= day_left:
        return 1.0
    return max(LEAST_PACE, (max(money_left, 0.0) / day_left) ** _STEEPNESS)


def _midnight(date: dt.date, zone: dt.tzinfo) -> float:
    return dt.datetime.combine(date, dt.time(), zone).timestamp()


class _Answer(enum.Enum):
    YES = enum.auto()
    NO = enum.auto()
    WAIT = enum.auto()


class Call:
    """A call that was let in; `cost_usd` is for the caller to set when it knows."""

    def __init__(self, ceiling_usd: float) -> None:
        self.ceiling_usd = ceiling_usd
        self.cost_usd = 0.0


class Budget:
    """What one task may still spend today.  Shared by all of a worker that ask for the teacher's word.

    The next call is let in while the money spent, the ceilings of the calls that run and the mean of recent calls fit
    into the day's limit.  So a day costs at most the limit and what its last call exceeds that mean by.  Where only the
    ceilings do not fit, the call waits until one is known: at the end of the money calls are made one by one.

    Other workers' calls count once they are in the store.
    """

    def __init__(self, name: str, task: TaskSettings, *, price: Price, store: Store, clock: Clock) -> None:
        self._name = name
        self._limit = task.shadow.max_usd_per_day
        self._zone = zones.zone(task.time_zone)
        self._store = store
        self._clock = clock
        self._costs = Costs(price)
        self._day = day(clock.now_s(), self._zone)
        self._stored = 0.0  # of today, as far as the store was read
        self._unstored = 0.0  # paid today, and not, or not yet, in the store: a batch may have been rolled back
        self._stores = 0
        self._open: set[Call] = set()
        self._changed = asyncio.Event()

    def learn(self, pairs: Iterable[Pair]) -> None:
        """Take in what earlier pairs cost, oldest first: after a restart the mean is known at once."""
        self._costs.learn(pair.cost_usd for pair in pairs if pair.cost_usd)

    async def refresh(self) -> None:
        """Read from the store what today has cost.

        Raises:
            StoreError: it cannot be read.
        """
        self._turn()
        today, stores = self._day, self._stores
        spent = await self._store.spent_usd(self._name, since=today.start)
        if (today, stores) == (self._day, self._stores):  # else it is already out of date
            self._stored = spent

    @contextlib.asynccontextmanager
    async def call(self, request: bytes) -> AsyncIterator[Call | None]:
        """Hold the money for one call until its cost is known; yields None when there is none left for it.

        It may wait for calls that run.  A call that fails has cost what it was told, by default nothing.
        """
        if not await self._let_in(request):
            yield None
            return
        call = Call(self._costs.ceiling(request))
        self._open.add(call)
        try:
            yield call
        finally:
            self._settle(call)

    def stored(self, usd: float) -> None:
        """Tell that a commit has put costs of this much into the store."""
        self._stores += 1
        self._stored += usd
        self._unstored = max(0.0, self._unstored - usd)

    def pace(self, *, pending: int) -> float:
        """What the money leaves of every rate now (see `pace`), if `pending` samples are still to be asked about."""
        self._turn()
        if not self._limit:
            return LEAST_PACE
        owed = self._spent + pending * self._costs.mean(b"")
        return pace(money_left=1.0 - owed / self._limit, day_left=self._day.left(self._clock.now_s()))

    @property
    def _spent(self) -> float:
        return self._stored + self._unstored

    async def _let_in(self, request: bytes) -> bool:
        while (answer := self._answer(request)) is _Answer.WAIT:
            await self._changed.wait()
        return answer is _Answer.YES

    def _answer(self, request: bytes) -> _Answer:
        self._turn()
        after = self._spent + self._costs.mean(request)
        if self._spent >= self._limit or after > self._limit:
            return _Answer.NO
        running = sum(call.ceiling_usd for call in self._open)
        return _Answer.YES if after + running <= self._limit else _Answer.WAIT

    def _settle(self, call: Call) -> None:
        self._turn()
        self._open.remove(call)
        if call.cost_usd:
            self._unstored += call.cost_usd
            self._costs.learn([call.cost_usd])
        self._changed.set()
        self._changed = asyncio.Event()

    def _turn(self) -> None:
        """Begin a new day if it is one: nothing has been spent."""
        now = self._clock.now_s()
        if not self._day.start <= now < self._day.end:
            self._day = day(now, self._zone)
            self._stored = self._unstored = 0.0

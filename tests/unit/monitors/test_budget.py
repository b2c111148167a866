from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import zones
from domain.clock import ManualClock
from domain.prices import Price
from domain.settings import ShadowSettings
from monitors.budget import LEAST_PACE, Budget, day, pace
from tests.unit.monitors.samples import TASK, paired, settings

MIDNIGHT = 1_699_920_000.0  # 2023-11-14 in UTC
PRICE = Price(1.0, 1.0)
REQUEST = b'{"max_tokens":8}  '  # at most 26 tokens


class Spending:
    """The store, as far as a budget reads it."""

    def __init__(self) -> None:
        self.usd = 0.0
        self.since: list[float] = []
        self.before_answer = lambda: None

    async def spent_usd(self, task: str, *, since: float) -> float:
        """See `domain.store.Store`."""
        assert task == TASK
        self.since.append(since)
        spent = self.usd
        self.before_answer()
        return spent


@pytest.fixture
def spending() -> Spending:
    """Nothing was spent."""
    return Spending()


@pytest.fixture
def noon() -> ManualClock:
    """In the middle of a UTC day."""
    return ManualClock(MIDNIGHT + 12 * 3600)


def budget(store, clock, limit: float = 1.0, zone: str = "UTC") -> Budget:
    """The budget of a task with a limit a day; calls have cost 0.1 so far."""
    task = settings(shadow=ShadowSettings(rate=0.5, flagged_rate=1.0, max_usd_per_day=limit), time_zone=zone)
    found = Budget(TASK, task, price=PRICE, store=store, clock=clock)
    found.learn([paired(0, agreed=True, cost_usd=0.1), paired(1, agreed=True, cost_usd=0.0)])
    return found


async def pay(money: Budget, usd: float, request: bytes = REQUEST) -> bool:
    """Make a call of this cost; whether it was let in."""
    async with money.call(request) as call:
        if call is not None:
            call.cost_usd = usd
        return call is not None


@pytest.mark.parametrize(
    ("zone", "at", "first", "hours"),
    [
        ("UTC", "2024-03-31T12:00+00:00", "2024-03-31T00:00+00:00", 24),
        ("Europe/Berlin", "2024-03-31T12:00+02:00", "2024-03-31T00:00+01:00", 23),
        ("Europe/Berlin", "2024-10-27T23:59+01:00", "2024-10-27T00:00+02:00", 25),
        ("Asia/Kolkata", "2024-06-01T00:00+05:30", "2024-06-01T00:00+05:30", 24),
        ("America/Santiago", "2024-09-08T12:00-03:00", "2024-09-08T01:00-03:00", 23),
    ],
)
def test_a_day_is_one_of_the_zone(zone, at, first, hours):
    """From midnight to midnight, or to the first moment after a midnight that the clocks skip."""
    moment = dt.datetime.fromisoformat(at).timestamp()
    found = day(moment, zones.zone(zone))
    assert found.start == dt.datetime.fromisoformat(first).timestamp()
    assert found.end - found.start == hours * 3600
    assert found.left(found.start) == 1.0
    assert found.left(found.end) == 0.0
    assert found.left(found.end - hours * 900) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("money", "time", "expected"),
    [
        (1.0, 1.0, 1.0),
        (0.5, 0.4, 1.0),
        (0.45, 0.5, 0.9**8),
        (0.0, 0.0, 1.0),
        (0.0, 0.5, LEAST_PACE),
        (-3.0, 0.5, LEAST_PACE),
    ],
)
def test_the_pace_slows_as_money_runs_ahead_of_time(money, time, expected):
    """Only then, and never to nothing."""
    assert pace(money_left=money, day_left=time) == pytest.approx(expected)


@given(money=st.floats(0, 1), less=st.floats(0, 1), time=st.floats(0.01, 1))
def test_less_money_never_quickens_the_pace(money, less, time):
    """In [LEAST_PACE, 1], and monotone."""
    low, high = sorted((money, less))
    assert LEAST_PACE <= pace(money_left=low, day_left=time) <= pace(money_left=high, day_left=time) <= 1


@pytest.mark.parametrize("demand", [0.5, 1.0, 2.0, 5.0, 30.0])
def test_a_day_of_any_demand_is_spent_evenly(demand):
    """No cliff: the last tenth of the day spends about its part, and the money is never out before the evening."""
    steps = 10_000
    left, spent = 1.0, []
    for step in range(steps):
        factor = pace(money_left=left, day_left=1 - step / steps)
        spent.append(factor * demand / steps)
        left -= spent[-1]
    last = sum(spent[-steps // 10 :])
    assert left >= -1e-3
    assert last == pytest.approx(0.1 * min(demand, demand ** (-1 / 7)), rel=0.1)
    assert sum(spent) > 0.99 * min(1.0, demand)


async def test_a_call_is_let_in_while_the_mean_fits(spending, noon):
    """Ten calls of 0.1 and a limit of 1: the eleventh is refused, and the money of a smaller one is not asked for."""
    money = budget(spending, noon, limit=1.0 + 1e-9)
    assert [await pay(money, 0.1) for _ in range(11)] == [True] * 10 + [False]
    assert not await pay(money, 0.0, b"")


async def test_calls_that_fail_or_are_cancelled_give_their_money_back(spending, noon):
    """Whatever ends a call, its reservation ends with it."""
    money = budget(spending, noon, limit=0.15)
    for failure in (ValueError, asyncio.CancelledError):
        with pytest.raises(failure):
            async with money.call(b"x" * 10):
                raise failure
    assert await pay(money, 0.1)
    assert not await pay(money, 0.1)


async def test_a_call_waits_while_what_runs_could_cost_it_all(spending, noon):
    """One at a time where the ceilings do not fit; it goes on when the other's cost is known."""
    money = budget(spending, noon, limit=0.25)
    started = []

    async def second() -> bool:
        async with money.call(b"x" * 200_000) as call:  # at most 0.2 dollars
            started.append(call)
            return call is not None

    async with money.call(b"x" * 200_000) as first:
        waiting = asyncio.ensure_future(second())
        await asyncio.sleep(0)
        assert started == []
        first.cost_usd = 0.1
    assert await waiting
    assert not started[0].cost_usd


async def test_calls_run_together_where_there_is_money_for_all(spending, noon):
    """Far from the end nothing waits."""
    money = budget(spending, noon, limit=100.0)
    async with money.call(REQUEST) as first, money.call(REQUEST) as second:
        assert first is not None
        assert second is not None


async def test_what_the_store_has_counts_once(spending, noon):
    """From the commit on it is the store's, before and after the store is read again."""
    money = budget(spending, noon, limit=0.5)
    assert await pay(money, 0.2)
    spending.usd = 0.2
    money.stored(0.2)
    await money.refresh()
    assert await pay(money, 0.2)
    assert not await pay(money, 0.2)
    assert spending.since == [MIDNIGHT]


async def test_money_of_a_batch_that_was_rolled_back_is_spent(spending, noon):
    """The calls were made and paid, though the store has no pair of them."""
    money = budget(spending, noon, limit=0.5)
    assert await pay(money, 0.45)
    await money.refresh()
    assert not await pay(money, 0.1)


async def test_what_was_read_before_a_commit_is_out_of_date(spending, noon):
    """Two loops share a budget: a sum that was read before the other's commit must not undo it."""
    money = budget(spending, noon, limit=0.5)
    assert await pay(money, 0.45)
    spending.before_answer = lambda: money.stored(0.45)
    await money.refresh()
    assert not await pay(money, 0.1)


async def test_others_of_the_task_spend_the_same_money(spending, noon):
    """What the store says was spent today is gone."""
    money = budget(spending, noon, limit=0.5)
    spending.usd = 0.45
    await money.refresh()
    assert not await pay(money, 0.1)
    assert not await pay(budget(spending, noon, limit=0.0), 0.0)


async def test_a_new_day_has_its_own_money(spending, noon):
    """From midnight of the zone on."""
    money = budget(spending, noon, limit=0.5, zone="Asia/Kolkata")
    assert await pay(money, 0.45)
    for hours, expected in ((6.4, False), (0.2, True)):  # midnight is 18:30 in UTC
        noon.advance(hours * 3600)
        assert await pay(money, 0.1) is expected


async def test_a_call_over_midnight_belongs_to_the_day_on_which_it_ends(spending, noon):
    """As its pair does, whose closing time is then."""
    money = budget(spending, noon, limit=0.5)
    async with money.call(REQUEST) as call:
        noon.advance(12 * 3600)
        call.cost_usd = 0.45
    assert not await pay(money, 0.1)


@pytest.mark.parametrize(
    ("spent", "pending", "expected"),
    [(0.0, 0, 1.0), (0.5, 0, 1.0), (0.55, 0, 0.9**8), (0.45, 1, 0.9**8), (1.0, 0, LEAST_PACE), (0.0, 100, LEAST_PACE)],
)
async def test_the_pace_counts_what_is_still_to_be_asked(spending, noon, spent, pending, expected):
    """At noon half of the money may be gone; a sample that waits will cost the mean."""
    money = budget(spending, noon)
    spending.usd = spent
    await money.refresh()
    found = money.pace(pending=pending)
    assert found == pytest.approx(expected if pending != 1 else pace(money_left=0.45, day_left=0.5), rel=1e-3)


async def test_without_money_the_pace_is_the_least(spending, noon):
    """A limit of zero is no division by it."""
    assert budget(spending, noon, limit=0.0).pace(pending=0) == LEAST_PACE

"""Every shadow sample ends once, and no day costs more than its limit and one call, whatever happens."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.errors import StoreError, UpstreamError, UpstreamFailure
from domain.records import Exchange, Pair, PairState, Stratum, Usage
from domain.settings import ShadowSettings
from domain.store import WorkBatch
from monitors import shadow
from monitors.answers import Reply
from monitors.planner import inclusion
from tests.unit.monitors.samples import DEPLOYED_AT, TASK, FailingStore, deployment, exchange, pairing

LIMIT = 100.5e-6  # a token of input costs 1e-6 dollars, one of output 2e-6
REQUEST = b'{"max_tokens":12}'  # at most 41e-6 dollars: two or three calls at once fit into a day
HOUR_S, DAY_S = 3600.0, 86400.0
LEASE_S = 1000.0
SHADOW = ShadowSettings(rate=0.5, flagged_rate=1.0, unsure_rate=0.8, max_usd_per_day=LIMIT, concurrency=2)


class FickleTeacher:
    """Answers, or fails, as a script says, after a few turns of the loop; keeps what it was paid by the day."""

    def __init__(self, clock: ManualClock, script: list[int | None]) -> None:
        """`script`: tokens of an answer, or None for none; begun anew at its end."""
        self.paid: Counter[float] = Counter()
        self.dearest = 0.0
        self._clock = clock
        self._script = script
        self._asked = 0

    async def ask(self, request: bytes, *, endpoint: str = "/chat/completions") -> Reply:
        """See `monitors.teacher.Teacher`."""
        tokens = self._script[self._asked % len(self._script)]
        self._asked += 1
        for _ in range(self._asked % 3):
            await asyncio.sleep(0)
        if tokens is None:
            raise UpstreamError(UpstreamFailure.TIMEOUT, "no answer")
        cost = 2e-6 * tokens
        self.paid[self._clock.now_s() // DAY_S] += cost
        self.dearest = max(self.dearest, cost)
        return Reply("refund", Usage(0, tokens))


class World:
    """A store, a clock, a teacher, and the worker that is running."""

    def __init__(self, store: FailingStore, script: list[int | None]) -> None:
        self.store = store
        self.clock = ManualClock(DEPLOYED_AT + 3 * HOUR_S)  # an hour after midnight
        self.teacher = FickleTeacher(self.clock, script)
        self.opened = 0
        self.forgotten = 0.0  # paid for batches that were rolled back, and no longer known after a restart
        self._number = 0
        self.restart()

    def restart(self) -> None:
        """Another worker takes over."""
        self.worker: Any = pairing(self.store, self.clock, self.teacher, shadow=SHADOW)

    async def traffic(self, rows: list[tuple[float, bool, bool]]) -> None:
        """Exchanges with (draw, usable, unsure), journalled and sampled by the planner."""
        found = [self._exchange(*row) for row in rows]
        await self.store.append(found)
        pairs = [self._sampled(row) for row in found]
        opened = [pair for pair in pairs if pair is not None]
        await self.store.commit(WorkBatch(owner="test", at=self.clock.now_s(), opened=opened))
        self.opened += len(opened)

    async def step(self) -> int:
        """One step of the worker; a batch that is rolled back is done again once its lease is over."""
        try:
            return int(await self.worker.step())
        except StoreError:
            self.worker.forget()
            self.clock.advance(LEASE_S)
            return 1

    async def settle(self) -> None:
        """Until nothing is pending."""
        while await self.step() or (await self.store.backlog(TASK)).pending_pairs:
            self.clock.advance(1.0)

    def _exchange(self, draw: float, usable: bool, unsure: bool) -> Exchange:
        self._number += 1
        at, confidence = self.clock.now_s(), 0.1 if unsure else 0.9
        return exchange(self._number, "text", at=at, draw=draw, usable=usable, confidence=confidence, request=REQUEST)

    def _sampled(self, row: Exchange) -> Pair | None:
        plan = inclusion(row, Stratum.ORDINARY, settings=SHADOW)
        return shadow.choose(row, plan, at=row.at, cluster=None)


ROWS = st.lists(st.tuples(st.floats(0, 0.999), st.booleans(), st.booleans()), min_size=1, max_size=12)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("traffic"), ROWS),
        st.tuples(st.just("advance"), st.floats(0, 30)),
        st.tuples(st.just("fail"), st.integers(1, 2)),
        st.tuples(st.just("step"), st.integers(1, 3)),
        st.tuples(st.just("restart"), st.none()),
    ),
    min_size=1,
    max_size=12,
)
SCRIPT = st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=8)


async def live(path: Path, script: list[int | None], events: list[tuple[str, Any]]) -> None:
    """Let it all happen, then look at what is in the store."""
    store = FailingStore(path)
    await store.start()
    await store.deploy(deployment())
    world = World(store, script)
    try:
        for kind, value in events:
            await happen(world, kind, value)
        store.failures = 0
        await world.settle()
        await check(world)
    finally:
        await store.aclose()


async def happen(world: World, kind: str, value: Any) -> None:
    """One event."""
    if kind == "traffic":
        await world.traffic(value)
    elif kind == "advance":
        world.clock.advance(value * HOUR_S)
    elif kind == "fail":
        world.store.failures = value
        await world.step()
        world.store.failures = 0
    elif kind == "step":
        for _ in range(value):
            await world.step()
    else:
        today = world.clock.now_s() // DAY_S * DAY_S
        world.forgotten += world.teacher.paid[today // DAY_S] - await world.store.spent_usd(TASK, since=today)
        world.restart()
        world.clock.advance(LEASE_S)


async def check(world: World) -> None:
    """Exactly one end each, that fits what happened, and no day over its limit by more than a call."""
    counts = await world.store.pair_counts(TASK)
    assert sum(counts.values()) == world.opened
    assert counts.get(PairState.PENDING, 0) == 0
    for pair in await world.store.pairs(TASK, limit=10_000):
        assert (pair.agreed is not None) == (pair.state is PairState.PAIRED)
        assert pair.closed_at is not None
        assert pair.cost_usd == 0.0 or pair.state is PairState.PAIRED
    most = LIMIT + world.teacher.dearest + 1e-12
    for day, paid in world.teacher.paid.items():
        assert paid <= most + world.forgotten
        later = await world.store.spent_usd(TASK, since=(day + 1) * DAY_S)
        assert await world.store.spent_usd(TASK, since=day * DAY_S) - later <= most


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(script=SCRIPT, events=EVENTS)
def test_accounts_are_exact_whatever_happens(script, events):
    """Over any order of traffic, prices, failures of teacher and store, pauses and restarts."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder) / "store.db", script, events))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FailingStore]:
    """The embedded store, open."""
    opened = FailingStore(tmp_path / "store.db")
    await opened.start()
    yield opened
    await opened.aclose()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([5], {PairState.PAIRED: 10, PairState.SKIPPED_BUDGET: 2}),
        ([12], {PairState.PAIRED: 4, PairState.SKIPPED_BUDGET: 8}),
        ([None], {PairState.TEACHER_ERROR: 12}),
        ([None, 5], {PairState.PAIRED: 6, PairState.TEACHER_ERROR: 6}),
    ],
)
async def test_what_is_left_of_the_money_decides(store, script, expected):
    """As many calls as fit; one that fails costs nothing, and nothing is skipped while there is money."""
    await store.deploy(deployment())
    world = World(store, script)
    await world.traffic([(0.1, True, False)] * 12)
    await world.settle()
    assert await store.pair_counts(TASK) == expected
    await check(world)


async def test_money_of_batches_that_were_rolled_back_is_not_spent_again(store):
    """The teacher was paid for them, though the store has no pair to show: the day is over its limit all the same."""
    await store.deploy(deployment())
    world = World(store, [12])
    await world.traffic([(0.1, True, False)] * 12)
    for _ in range(3):
        store.failures = 1
        await world.step()
    await world.settle()
    assert await store.pair_counts(TASK) == {PairState.SKIPPED_BUDGET: 12}
    await check(world)

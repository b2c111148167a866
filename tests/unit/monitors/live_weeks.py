"""A task watched live for weeks, with what happens to it meanwhile: restarts, late inputs, marked days, promotions."""

from __future__ import annotations

import numpy as np

from adapters.stores.sqlite import SqliteStore
from domain.clock import ManualClock
from domain.follow_up import Expected
from domain.records import Exchange
from embedders.hashing import HashingEmbedder
from tests.unit.monitors.conftest import TeacherServer
from tests.unit.monitors.samples import NOVEL, ORDINARY, TASK, deploy, exchange, pairing, safety, watching

START = 1_700_438_400.0  # Monday, 20 November 2023, 00:00 UTC: day 0
DAY_S, HOUR_S = 86400.0, 3600.0
PROMOTED_DAY = 19  # at noon, v2 in the place of v1
MARKED_DAY = 6  # said of it on day 8
_CRASHES = 20  # one in so many batches
_LATE = 5  # one of so many inputs is journalled after the next one


class LiveWeeks:
    """Journals inputs as they would come, and takes the monitors' steps; every batch may meet new workers."""

    def __init__(
        self, store: SqliteStore, clock: ManualClock, teacher: TeacherServer, *, an_hour: int, restarts: int, **sections
    ) -> None:
        """`an_hour`: inputs; `restarts`: the workers are new after so many batches."""
        self._store, self._clock, self._teacher = store, clock, teacher
        self._an_hour, self._restarts, self._sections = an_hour, restarts, sections
        self._random = np.random.default_rng(5)
        self._number = self._batches = 0
        self._waiting: list[Exchange] = []
        self._open: list = []

    async def run(self, days: range, *, novel: frozenset[int], wrong: frozenset[int]) -> None:
        """`novel`: days with inputs of a new topic; `wrong`: days on which the student is always wrong."""
        for day in days:
            if day == PROMOTED_DAY:
                await self._journal(self._rows(day, range(12), novel=day in novel, wrong=day in wrong))
                await deploy(self._store, model="v2", at=START + day * DAY_S + 12 * HOUR_S)
            if day == MARKED_DAY + 2:
                await self._mark(day)
            hours = range(12, 24) if day == PROMOTED_DAY else range(24)
            await self._journal(self._rows(day, hours, novel=day in novel, wrong=day in wrong))
        self._clock.advance(HOUR_S)
        await self._step(patient=False)
        await self.aclose()

    async def aclose(self) -> None:
        """Close what asks the teacher."""
        for teacher in self._open:
            await teacher.aclose()

    def _rows(self, day: int, hours: range, *, novel: bool, wrong: bool) -> list[Exchange]:
        rows = []
        for hour in hours:
            times = START + day * DAY_S + hour * HOUR_S + np.sort(self._random.uniform(0, HOUR_S, self._an_hour))
            for at in times.tolist():
                fresh = novel and self._random.random() < 0.9
                texts = NOVEL if fresh else ORDINARY
                said = "cancel" if wrong or self._random.random() < 0.03 else "refund"
                # No two alike within an hour: near-duplicates count once.
                text = f"{texts[self._random.integers(len(texts))]} {''.join(self._random.choice(list('abcdefgh'), 3))}"
                model = "v1" if at < START + PROMOTED_DAY * DAY_S + 12 * HOUR_S else "v2"
                draw = float(self._random.random())
                rows.append(exchange(self._number, text, at=at, draw=draw, output_text=said, model=model))
                self._number += 1
        return rows

    async def _journal(self, rows: list[Exchange]) -> None:
        """In batches of an hour or two, some inputs after later ones, across midnight too."""
        rows = self._waiting + rows
        rows = [row for pair in zip(rows[1::2], rows[::2], strict=False) for row in _swapped(*pair)] + rows[
            len(rows) // 2 * 2 :
        ]
        self._waiting = [rows.pop()]
        for start in range(0, len(rows), 2 * self._an_hour):
            batch = rows[start : start + 2 * self._an_hour]
            self._clock.advance(max(0.0, max(row.at for row in batch) + 1 - self._clock.now_s()))
            await self._store.append(batch)
            if self._batches % _CRASHES == 0:
                await self._crash()
            await self._step(patient=self._batches % 3 == 0)

    async def _crash(self) -> None:
        """A worker dies with what it holds, which comes back after others that are newer."""
        at = self._clock.now_s()
        await self._store.lease(TASK, owner="dead", limit=3, lease_s=60.0, at=at)
        await self._store.lease_pairs(TASK, owner="dead", limit=2, lease_s=60.0, at=at)

    async def _step(self, *, patient: bool) -> None:
        """All there is for the watch; the pairing sometimes waits for the next time."""
        if self._batches % self._restarts == 0:
            self._open.append(self._teacher.teacher(timeout_s=5.0))
            checks = safety()
            self._watch = watching(self._store, self._clock, HashingEmbedder(), checks=checks, **self._sections)
            self._pairing = pairing(self._store, self._clock, self._open[-1], checks=checks, **self._sections)
        self._batches += 1
        while await self._watch.step():
            pass
        while not patient and await self._pairing.step():
            pass

    async def _mark(self, day: int) -> None:
        marked = f"2023-11-{20 + MARKED_DAY:02d}"
        at = START + day * DAY_S + 10 * HOUR_S
        await self._store.expect(Expected(task=TASK, first_day=marked, last_day=marked, at=at, by="test"))


def _swapped(later: Exchange, earlier: Exchange) -> tuple[Exchange, Exchange]:
    """The two in the order in which they are journalled."""
    return (later, earlier) if int(earlier.id[1:]) % _LATE == 0 else (earlier, later)

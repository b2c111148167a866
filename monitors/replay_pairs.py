"""The agreement half of a replay: stored pairs in the order in which they were closed.  Asks nobody."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from domain.follow_up import RecheckKind
from domain.records import PairState
from monitors.closing import Closed
from monitors.course import Course
from monitors.epochs import Epochs
from monitors.era import standing_since
from monitors.pair_watch import DAY_S, PairWatch

if TYPE_CHECKING:
    from domain.chronicle import ClosedRow
    from domain.follow_up import Expected, Recheck
    from domain.records import Deployment
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.epochs import Epoch
    from monitors.replay_memory import ReplayMemory

_ROWS = 500


class PairReplay:
    """Feeds the pairs of one task to the detectors of the deployment under which they were closed.

    Two things differ from the live run.  Safety is always followed: without safety checks no pair was judged, and
    nothing is heard.  And a pair that was being asked about while a student was deployed is nobody's, where live the
    batch that it was in may still have counted for the student before.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        task: TaskSettings,
        memory: ReplayMemory,
        *,
        history: Sequence[Deployment],
        marks: Sequence[Expected],
        rechecks: Sequence[Recheck],
    ) -> None:
        """`history`: all deployments, oldest first; `marks`: expected days; `rechecks`: second answers."""
        self._store = store
        self._name = name
        self._memory = memory
        self._history = history
        self._marks = [mark.at for mark in marks]
        self._rechecks: Mapping[str, Recheck] = {each.key: each for each in rechecks if each.kind is RecheckKind.SELF}
        self._watch = PairWatch(task, Course(task), safety=True)
        self._epochs = Epochs(task.time_zone)
        self._rows: list[ClosedRow] = []
        self._number = 0  # of the last row that was read
        self._closed_at = -math.inf
        self._armed_as: object = None

    async def advance(self, until: float = math.inf) -> None:
        """Go on up to the first pair whose input came at `until` or later.

        Raises:
            StoreError: the store cannot be read.
            ModelError: a reference is missing or damaged.
        """
        while rows := await self._due(until):
            while rows:
                rows = await self._follow(rows)

    async def _due(self, until: float) -> list[ClosedRow]:
        """Of the page at hand, or of the next one, the rows that are due."""
        while not self._rows:
            page = await self._store.closed(self._name, after=self._number, limit=_ROWS)
            if not page:
                return []
            self._number = page[-1].number
            self._rows = [row for row in page if not _closed_when_opened(row)]
        due = list(takewhile(lambda row: row.exchange.at < until, self._rows))
        self._rows = self._rows[len(due) :]
        return due

    async def _follow(self, rows: list[ClosedRow]) -> list[ClosedRow]:
        """Follow the first rows, as far as the detectors stay armed as they are; the others."""
        self._closed_at = max(self._closed_at, _closed_at(rows[0]))
        changes = [deployment.at for deployment in self._history]
        end = min((moment for moment in changes if moment > self._closed_at), default=math.inf)
        own = list(takewhile(lambda row: _closed_at(row) < end, rows))
        epoch, first, _ = self._epochs.split(own, at=lambda row: row.exchange.at, changes=self._marks)
        await self._arm(epoch)
        deployment = self._watch.deployment
        since = max(min(row.exchange.at for row in first) - DAY_S, 0.0 if deployment is None else deployment.at)
        closed = [Closed(row.exchange, row.pair, self._rechecks.get(row.pair.exchange_id)) for row in first]
        self._memory.take(self._watch.see(closed, await self._memory.readings(self._name, after=since)))
        return rows[len(first) :]

    async def _arm(self, epoch: Epoch) -> None:
        deployment = standing_since([each for each in self._history if each.at <= self._closed_at])
        if (deployment, epoch.mark) == self._armed_as:
            return
        began = deployment != self._watch.deployment
        await self._watch.arm(self._memory, deployment, at=epoch.at)
        if began:
            self._watch.remind([], [])
        self._armed_as = (deployment, epoch.mark)


def _closed_at(row: ClosedRow) -> float:
    return row.pair.opened_at if row.pair.closed_at is None else row.pair.closed_at


def _closed_when_opened(row: ClosedRow) -> bool:
    """Whether there was no student answer to ask about: such a sample says nothing, and Pairing never saw it."""
    return row.pair.state is PairState.STUDENT_ERROR and row.pair.student_unsafe is None

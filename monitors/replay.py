"""All signals of a task, computed again from what the store has of its inputs and pairs.

Nothing is embedded, no model is loaded and no teacher asked: novelty and cluster of an input, and the answers of a
pair, are taken as they are stored.  Everything after that is the code of the live run.  A replay uses the configuration
as it is now; signals that were raised with another one are not reproduced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from monitors import arming_inputs
from monitors.descriptors import Descriptors
from monitors.epochs import Epochs, in_force
from monitors.replay_memory import ReplayMemory
from monitors.replay_pairs import PairReplay

if TYPE_CHECKING:
    from domain.chronicle import WatchedRow
    from domain.follow_up import Expected
    from domain.records import Deployment, Signal
    from domain.settings import TaskSettings
    from domain.store import Store
    from monitors.epochs import Epoch
    from monitors.inputs import InputWatch

_ROWS = 2000


class Replay:
    """Feeds the inputs of one task, in the order in which they were watched, to detectors armed as they were.

    Pairs follow at a distance: before a stretch of inputs begins, all pairs of earlier inputs have been followed, and
    a pair is followed when all inputs up to its own have been seen.
    """

    def __init__(
        self, store: Store, name: str, task: TaskSettings, *, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """`progress` is told how many inputs have been seen."""
        self._store = store
        self._name = name
        self._task = task
        self._progress = progress
        self._memory = ReplayMemory(store)
        self._epochs = Epochs(task.time_zone)
        self._descriptors = Descriptors(task.output)
        self._armed: InputWatch | None = None
        self._armed_as: object = None

    async def run(self) -> list[Signal]:
        """The signals, in order of time.

        Raises:
            StoreError: the store cannot be read.
            ModelError: a reference is missing or damaged.
        """
        history = await self._store.deployments(self._name)
        marks = await self._store.expected(self._name)
        rechecks = await self._store.rechecks(self._name)
        pairs = PairReplay(
            self._store, self._name, self._task, self._memory, history=history, marks=marks, rechecks=rechecks
        )
        number, done = 0, 0
        while page := await self._store.watched(self._name, after=number, limit=_ROWS):
            await self._page(page, history, marks, pairs)
            number, done = page[-1].number, done + len(page)
            self._progress(done)
        await pairs.advance()
        return await self._memory.signals(self._name)

    async def _page(
        self, rows: Sequence[WatchedRow], history: Sequence[Deployment], marks: Sequence[Expected], pairs: PairReplay
    ) -> None:
        changes = [*(each.at for each in history), *(mark.at for mark in marks)]
        while rows:
            epoch, first, rows = self._epochs.split(rows, at=lambda row: row.exchange.at, changes=changes)
            await self._arm(epoch, in_force(history, epoch.at), pairs)
            self._see(first)

    async def _arm(self, epoch: Epoch, deployment: Deployment | None, pairs: PairReplay) -> None:
        if (deployment, epoch.mark) == self._armed_as:
            return
        await pairs.advance(epoch.at)
        self._armed = None
        if deployment is not None:
            self._armed = await arming_inputs.arm(self._memory, self._task, deployment, embedder=None, at=epoch.at)
        self._armed_as = (deployment, epoch.mark)

    def _see(self, rows: Sequence[WatchedRow]) -> None:
        if self._armed is not None:
            for row in rows:
                words = self._descriptors.of(row.exchange)
                self._armed.see(row.exchange, row.novelty, row.cluster, words)
            self._memory.take(self._armed.harvest(rows[-1].exchange.at))
        self._memory.watched(rows)

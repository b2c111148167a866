"""The windowed detectors of one live task: the counts of an hour in, evidence out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from domain.ports import Evidence
from monitors.windowed import arrays
from monitors.windowed.agreement import Agreement, AgreementBaseline
from monitors.windowed.calendar import Calendar, Slot
from monitors.windowed.fit import CLUSTER
from monitors.windowed.hours import Hour, by_cluster, by_level, by_name
from monitors.windowed.novelty import Novelty, NoveltyBaseline, NoveltyState
from monitors.windowed.shares import Shares, SharesBaseline, SharesState
from monitors.windowed.sr import Reading, SRState

if TYPE_CHECKING:
    from monitors.hourly import HourlyDetector

LONGEST_GAP_H = 14 * 24  # after a longer silence the evidence from before it says nothing about today
_NOTHING = Evidence(0, 0.0, 0.0, False)
_SILENCE = Hour()


class Memory(msgspec.Struct, frozen=True):
    """What a detector stores."""

    last: int | None  # the newest hour it has taken in
    standing: Evidence
    family: msgspec.Raw


class LiveDetector(ABC):
    """Takes the hours of a task in order.  Pure: the same hours give the same evidence, in any process.

    Hours that are left out had no traffic; after 14 days without any the evidence starts afresh.  An hour that is not
    newer than the last is not taken in again.
    """

    name: str

    def __init__(self, family: Novelty | Shares | Agreement, calendar: Calendar, *, budget: str) -> None:
        self._family, self._calendar, self._budget = family, calendar, budget
        self._last: int | None = None
        self._standing = _NOTHING

    def hour(self, hour_number: int, hour: Hour) -> Evidence:
        """Take in an hour that is over, numbered since the epoch (UTC).

        Returns:
            `samples`: inputs or pairs so far.  `score`: counts over the most that is expected, in the last day; of all
            pairs, of novelty above its third level, or of the worst category.  `worst`: the category that adds most.

        Raises:
            ValueError: there are more clusters than in the baseline.
        """
        if self._last is not None and hour_number <= self._last:
            return msgspec.structs.replace(self._standing, alarm=False)
        silent = [self._step(self._calendar.slot(number), _SILENCE) for number in self._gap(hour_number)]
        reading = self._step(self._calendar.slot(hour_number), hour)
        self._last = hour_number
        self._standing = Evidence(
            samples=self._standing.samples + self._samples(hour),
            score=float(reading.score),
            evidence=float(reading.evidence),
            alarm=any(bool(one.alarm) for one in (*silent, reading)),
            worst=self._category(int(reading.worst)),
        )
        return self._standing

    def state(self) -> bytes:
        """The memory as JSON."""
        family = msgspec.Raw(arrays.encode(self._family.state()))
        return msgspec.json.encode(Memory(self._last, self._standing, family))

    def restore(self, state: bytes) -> None:
        """Continue from what `state` returned.

        Raises:
            ValueError: it is of another kind, or belongs to another baseline.
        """
        memory = msgspec.json.decode(state, type=Memory)
        self._load(bytes(memory.family))
        self._last, self._standing = memory.last, memory.standing

    def budget(self) -> str:
        """The false-alarm budget in words, for evidence."""
        return self._budget

    def _gap(self, hour_number: int) -> Iterator[int]:
        """The hours without traffic since the last."""
        if self._last is None:
            return
        if hour_number - self._last > LONGEST_GAP_H:
            self._family.reset(np.array(True))
            return
        yield from range(self._last + 1, hour_number)

    @abstractmethod
    def _step(self, slot: Slot, hour: Hour) -> Reading: ...

    @abstractmethod
    def _samples(self, hour: Hour) -> int: ...

    @abstractmethod
    def _category(self, index: int) -> str: ...

    @abstractmethod
    def _load(self, family: bytes) -> None: ...


class HourlyNovelty(LiveDetector):
    """New inputs; its `worst` is empty."""

    name = "novelty"

    def __init__(self, baseline: NoveltyBaseline, calendar: Calendar, *, days: float, budget: str) -> None:
        self._novelty = Novelty(baseline, days=days)
        self._clusters = baseline.by_cluster.shape[-2]
        super().__init__(self._novelty, calendar, budget=budget)

    def _step(self, slot: Slot, hour: Hour) -> Reading:
        inputs, exceeded = by_cluster(hour.inputs, self._clusters), by_level(hour.exceeded, self._clusters)
        return self._novelty.step(slot, inputs, exceeded)

    def _samples(self, hour: Hour) -> int:
        return sum(hour.inputs)

    def _category(self, index: int) -> str:
        return ""

    def _load(self, family: bytes) -> None:
        self._novelty.restore(arrays.decode(family, NoveltyState))


class HourlyShares(LiveDetector):
    """Categories that become more frequent; it is called as its family."""

    def __init__(
        self, baseline: SharesBaseline, calendar: Calendar, *, family: str = CLUSTER, days: float, budget: str
    ) -> None:
        """`family`: the key in `Hour.shares`, or `CLUSTER` for the inputs per cluster."""
        self.name = family
        self._baseline = baseline
        self._shares = Shares(baseline, days=days)
        super().__init__(self._shares, calendar, budget=budget)

    def _step(self, slot: Slot, hour: Hour) -> Reading:
        return self._shares.step(slot, self._counts(hour))

    def _samples(self, hour: Hour) -> int:
        return int(self._counts(hour).sum())

    def _category(self, index: int) -> str:
        return self._baseline.column_name(index)

    def _load(self, family: bytes) -> None:
        self._shares.restore(arrays.decode(family, SharesState))

    def _counts(self, hour: Hour) -> arrays.Floats:
        if self.name == CLUSTER:
            return by_cluster(hour.inputs, len(self._baseline.names))
        return by_name(hour.shares.get(self.name, {}), self._baseline.names)


class HourlyAgreement(LiveDetector):
    """Falling agreement; its `worst` is a cluster's number, empty where all pairs together add most."""

    name = "agreement"

    def __init__(self, baseline: AgreementBaseline, calendar: Calendar, *, days: float, budget: str) -> None:
        self._agreement = Agreement(baseline, days=days)
        self._clusters = baseline.by_cluster.shape[-1]
        super().__init__(self._agreement, calendar, budget=budget)

    def _step(self, slot: Slot, hour: Hour) -> Reading:
        pairs, disagreed = by_cluster(hour.pairs, self._clusters), by_cluster(hour.disagreed, self._clusters)
        return self._agreement.step(slot, pairs, disagreed)

    def _samples(self, hour: Hour) -> int:
        return sum(hour.pairs)

    def _category(self, index: int) -> str:
        return str(index - 1) if index else ""

    def _load(self, family: bytes) -> None:
        self._agreement.restore(arrays.decode(family, SRState))


if TYPE_CHECKING:
    _: tuple[type[HourlyDetector], ...] = (HourlyNovelty, HourlyShares, HourlyAgreement)

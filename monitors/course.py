"""What the pairs of a task have shown so far, for those who decide what to ask next and what to say of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from domain.comparers import normalise_label
from domain.follow_up import RecheckKind
from monitors import self_agreement, slices
from monitors.descriptors import LABEL
from monitors.slices import Slice, SliceAgreement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.follow_up import Recheck
    from domain.records import Agreement, Exchange, Pair
    from domain.settings import TaskSettings

_PAIRS = 2000  # that slices are cut from, the newest
_FRESH = 50  # pairs after which the slices are compared again
_RECHECKS = 2000


class Course:
    """Slices of the champion's pairs, and how often the teacher agrees with itself."""

    def __init__(self, task: TaskSettings) -> None:
        self._teacher = task.teacher.model
        self._labels = frozenset(map(normalise_label, task.output.labels))
        self._rows: deque[tuple[Pair, tuple[Slice, ...]]] = deque(maxlen=_PAIRS)
        self._rechecks: deque[Recheck] = deque(maxlen=_RECHECKS)
        self._since = 0
        self._found: list[SliceAgreement] = []

    def start(self, pairs: Iterable[tuple[Pair, Exchange]], rechecks: Iterable[Recheck]) -> None:
        """Begin with what the store has, oldest first."""
        self._rows.clear()
        self._rechecks.clear()
        self.take(pairs, rechecks)
        self.compare()

    def take(self, pairs: Iterable[tuple[Pair, Exchange]], rechecks: Iterable[Recheck]) -> None:
        """Go on with pairs that were closed, and second answers."""
        self._rechecks.extend(each for each in rechecks if each.kind is RecheckKind.SELF)
        for pair, exchange in pairs:
            if pair.agreed is not None:
                self._rows.append((pair, slices.of_pair(pair, exchange, labels=self._labels)))
                self._since += 1
        if self._since >= _FRESH:
            self.compare()

    @property
    def worse(self) -> Sequence[SliceAgreement]:
        """Slices whose agreement is lower than elsewhere, as of the last comparison, most surely so first."""
        return [each for each in self._found if each.worse]

    @property
    def ceiling(self) -> Agreement | None:
        """How often the teacher agrees with itself; None while it was not asked twice."""
        return self_agreement.ceiling(self._rechecks, teacher=self._teacher)

    def in_worst(self, exchange: Exchange, *, cluster: int | None, words: Mapping[str, str]) -> bool:
        """Whether an input belongs to the worst of the slices that can be told before the teacher answers."""
        known = [each for each in self._found if each.dimension != LABEL]
        worst = slices.worst(known)
        if worst is None:
            return False
        own = slices.of_input(exchange, cluster=cluster, tenant=exchange.tenant, words=words)
        return Slice(worst.dimension, worst.value) in own

    def compare(self) -> None:
        """Compare the slices of all pairs so far."""
        self._found, self._since = slices.compare(self._rows), 0

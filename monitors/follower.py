"""One detector over the pairs of a task, and the recent pairs that its estimate is of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Observation
from monitors import agreement, signals
from monitors.keys import counting_key

if TYPE_CHECKING:
    from domain.ports import Evidence
    from domain.records import Exchange, Pair, Reading, Signal
    from domain.settings import TaskSettings
    from monitors.arming import Armed
    from monitors.aspect import Aspect


class Followed(msgspec.Struct, frozen=True):
    """What a batch came to: alarms and the last reading, and the signals that were raised."""

    readings: list[Reading]
    signals: list[Signal]


class Surroundings(msgspec.Struct, frozen=True):
    """What else is known when a signal is raised: last scores of all detectors, slices that are worse, the ceiling."""

    drift_scores: Mapping[str, float] = {}
    slices: tuple[str, ...] = ()
    ceiling: float | None = None


class Follower:
    """Follows one aspect of the champion's pairs, each once."""

    def __init__(self, aspect: Aspect, task: TaskSettings, *, window: int) -> None:
        """`window`: pairs in the estimate that is shown; the detector has none."""
        self.armed: Armed | None = None
        self.recent: deque[Pair] = deque(maxlen=window)
        self._aspect = aspect
        self._task = task

    def start(self, armed: Armed | None, pairs: Iterable[Pair]) -> None:
        """Begin with a detector, or none, and with the pairs so far, oldest first."""
        self.armed = armed
        self.recent.clear()
        for pair in pairs:
            self._remember(pair)

    def follow(
        self, closed: Iterable[tuple[Exchange, Pair]], surroundings: Callable[[float], Surroundings]
    ) -> Followed:
        """Take pairs in; `surroundings` is asked only when a signal is raised, for the time of its input."""
        followed = Followed([], [])
        for exchange, pair in closed:
            if not self._remember(pair) or self.armed is None or exchange.at < self.armed.deployment.at:
                continue
            found = self._observe(self.armed, exchange, pair)
            followed.readings.append(self.armed.reading(found, exchange.at))
            followed.signals.extend(self._raise(self.armed, found, surroundings, at=exchange.at))
        return Followed(kept(followed.readings), followed.signals)

    def _remember(self, pair: Pair) -> bool:
        """Keep a pair that says something, without its texts; False for any other."""
        says = self._aspect.event(pair) is not None
        if says:
            self.recent.append(msgspec.structs.replace(pair, student_answer="", teacher_answer=""))
        return says

    def _observe(self, armed: Armed, exchange: Exchange, pair: Pair) -> Evidence:
        return armed.detector.update(
            Observation(
                at=exchange.at,
                counts=(float(bool(self._aspect.event(pair))),),
                stratum=pair.stratum,
                uniform=pair.uniform,
                key=counting_key(exchange, pair.cluster, one_per_user=self._task.drift.one_per_user),
                cluster=pair.cluster,
            )
        )

    def _raise(
        self, armed: Armed, found: Evidence, surroundings: Callable[[float], Surroundings], *, at: float
    ) -> list[Signal]:
        if not signals.retrain_due(self._aspect, found, armed.signals, at=at, settings=self._task.signal):
            return []
        name, others = armed.detector.name, surroundings(at)
        signal = signals.retrain(
            self._aspect,
            armed.deployment,
            name,
            found,
            at=at,
            budget=armed.detector.budget(),
            agreement=agreement.estimate(self.recent),
            pairs=tuple(self.recent),
            drift_scores={other: score for other, score in others.drift_scores.items() if other != name},
            slices=others.slices,
            ceiling=others.ceiling,
        )
        armed.signals.append(signal)
        return [signal]


def kept(readings: Sequence[Reading]) -> list[Reading]:
    """What of the readings of a batch is worth a row of the time series: alarms, and the last."""
    return [reading for number, reading in enumerate(readings, 1) if reading.alarm or number == len(readings)]

"""Has the teacher changed?  It answers fixed prompts otherwise than at first, more often than by its own noise."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from domain.records import Reading, Signal, SignalKind
from monitors import signals
from monitors.sr import ExceedanceSR, evidence, upper_bound

if TYPE_CHECKING:
    from domain.ports import Detector
    from domain.settings import SignalSettings

REASON = "teacher_drift"
_ROUNDS, _COMPARISONS = 4, 20  # at least, of the baseline
_SLACK = 0.01  # a provider's machines differ from day to day, which answers given in one hour do not show
_MOST = 0.9  # a bound above it leaves nothing to see
_LEAST_THRESHOLD = 10.0


class _State(msgspec.Struct):
    rounds: int
    compared: int
    differed: int
    samples: int
    g: list[list[float]] | None


_DECODER = msgspec.json.Decoder(_State)


class TeacherDetector:
    """An e-process over rounds of the same prompts, each compared with the teacher's first answer to it.

    The first rounds are the baseline: how often the teacher differs from its first answers while it is the same.  The
    bound is the 95 % upper bound of that rate and one point of slack.  Prompts differ: some are always answered alike,
    some hardly ever.  So it is their mean that must not rise, and a round counts as a whole: taken in an order that has
    nothing to do with the prompts, its product of likelihood ratios is at most 1 in the mean while the mean of the
    rates is at most the bound (Maclaurin's inequality for symmetric means), and only at its end is there an alarm.
    """

    name = "teacher"

    def __init__(self, *, prompts: int, rounds_per_day: float, days: float) -> None:
        """One false alarm in `days`, at so many `prompts` a round."""
        self._threshold = max(_LEAST_THRESHOLD, prompts * rounds_per_day * days)
        self._words = f"one false alarm in {days:g} days at {rounds_per_day:g} rounds of {prompts} prompts a day"
        self._rounds = 0
        self._compared = 0
        self._differed = 0
        self._samples = 0
        self._sr: ExceedanceSR | None = None

    @property
    def learning(self) -> bool:
        """Whether the baseline lacks rounds; they need not be apart in time."""
        return self._rounds < _ROUNDS or self._compared < _COMPARISONS

    @property
    def bound(self) -> float:
        """The rate of other answers that is no alarm, in (0, 1]."""
        return float(upper_bound(self._differed, self._compared)) + _SLACK

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` are those of a round, 1 for another answer, in random order."""
        counts = observation.counts
        score = sum(counts) / len(counts) if counts else 0.0
        if self.learning:
            self._learn(counts)
            return Evidence(self._samples, score, 0.0, alarm=False)
        self._samples += len(counts)
        if self._sr is None:
            return Evidence(self._samples, score, 0.0, alarm=False)
        for count in counts:
            self._sr.update((count,))
        statistic = self._sr.statistic
        alarm = statistic > self._threshold
        if alarm:
            self._sr.reset()
        return Evidence(self._samples, score, evidence(statistic, self._threshold), alarm)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        g = None if self._sr is None else self._sr.values()
        return msgspec.json.encode(_State(self._rounds, self._compared, self._differed, self._samples, g))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value = _DECODER.decode(state)
        self._rounds, self._compared, self._differed = value.rounds, value.compared, value.differed
        self._samples = value.samples
        self._sr = None
        self._arm()
        if self._sr is not None and value.g is not None:
            self._sr.restore(value.g)

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        if self.learning:
            return f"{self._words}; the baseline is being learned"
        if self._sr is None:
            return f"none: the teacher answers otherwise on up to {min(1.0, self.bound):.0%} of the prompts by itself"
        return f"{self._words} (A = {self._threshold:,.0f}) while at most {self.bound:.1%} are answered otherwise"

    def _learn(self, counts: tuple[float, ...]) -> None:
        self._rounds += 1
        self._compared += len(counts)
        self._differed += round(sum(counts))
        self._arm()

    def _arm(self) -> None:
        if not self.learning and self.bound < _MOST:
            self._sr = ExceedanceSR([self.bound])


def reading(task: str, teacher: str, found: Evidence | None, *, at: float) -> Reading:
    """A round as a row of the time series; the first one, in which nothing was compared, has found nothing."""
    found = found or Evidence(0, 0.0, 0.0, alarm=False)
    return Reading(
        task=task,
        detector=TeacherDetector.name,
        model=teacher,
        at=at,
        samples=found.samples,
        score=found.score,
        evidence=found.evidence,
        alarm=found.alarm,
    )


def warnings(
    said: Reading, past: Sequence[Signal], *, settings: SignalSettings, series: str, budget: str
) -> list[Signal]:
    """The warning that an alarm becomes, if the cooldown since the last one is over.

    `series` is that of the rounds (see `monitors.rounds`): a replay gives the same id.
    """
    if not said.alarm or not signals.due(REASON, past, at=said.at, settings=settings):
        return []
    name = "\0".join((series, repr(said.at)))
    return [
        Signal(
            id=f"signal-{hashlib.sha256(name.encode()).hexdigest()[:24]}",
            task=said.task,
            kind=SignalKind.WARNING,
            reason=REASON,
            at=said.at,
            detector=said.detector,
            model=said.model,
            evidence=said.evidence,
            samples=said.samples,
            false_alarm_budget=budget,
            drift_scores={said.detector: said.score},
        )
    ]


if TYPE_CHECKING:
    _: Detector = TeacherDetector(prompts=1, rounds_per_day=1, days=1)

"""Folds what was recorded about a task into the episodes of its signals.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.follow_up import SignalEvent, SignalState
from domain.lifecycle import CALM, MONITORS, TRANSITIONS, Cause, Episode, History, Rules, Step
from domain.records import Deployment, Reading, Signal, SignalKind

_DAY_S = 86400.0
_SILENCE_S = {"teacher_sunset": 10 * _DAY_S}  # of warnings told again each week; no student ends what they are about

_Entry = Deployment | Reading | Signal | SignalEvent
_ORDER = (Deployment, Reading, Signal, SignalEvent)  # of records of the same second


def episodes(history: History, rules: Rules, *, now: float) -> list[Episode]:
    """All episodes as they stand at `now`, in the order in which they began."""
    found: list[Episode] = []
    for reason in dict.fromkeys(signal.reason for signal in history.signals):
        found += _of_reason([signal for signal in history.signals if signal.reason == reason], history, rules, now)
    return sorted(found, key=lambda episode: episode.steps[0].at)


def _of_reason(signals: Sequence[Signal], history: History, rules: Rules, now: float) -> Iterator[Episode]:
    life: _Life | None = None
    for entry in _entries(signals, history, now):
        if life is not None:
            life.wait(entry.at)
        if isinstance(entry, Signal):
            if life is not None and life.state is SignalState.OK:
                yield life.episode()
                life = None
            life = life or _Life(entry, rules)
            life.raised(entry)
        elif life is not None:
            life.hear(entry)
    if life is not None:
        life.wait(now)
        yield life.episode()


def _entries(signals: Sequence[Signal], history: History, now: float) -> list[_Entry]:
    """What may matter to the signals, up to `now`, in order."""
    ids, detectors = {signal.id for signal in signals}, {signal.detector for signal in signals}
    entries: list[_Entry] = [*signals, *_changes(history.deployments, signals[0])]
    entries += [event for event in history.events if event.signal_id in ids]
    entries += [reading for reading in history.readings if reading.detector in detectors]
    return sorted((e for e in entries if e.at <= now), key=lambda entry: (entry.at, _ORDER.index(type(entry))))


def _changes(deployments: Sequence[Deployment], signal: Signal) -> Iterator[Deployment]:
    """The deployments that end what the signal is about.

    A canary or a gate is a deployment, too, and changes nothing; a new reference is new to the detectors of inputs.
    """
    if signal.reason in _SILENCE_S:
        return
    for before, after in zip((None, *deployments), deployments, strict=False):
        referenced = signal.kind is SignalKind.WARNING and before is not None
        if before is None or after.model != before.model or (referenced and after.reference_id != before.reference_id):
            yield after


class _Life:
    """An episode in the making."""

    def __init__(self, first: Signal, rules: Rules) -> None:
        self._first = first
        self._rules = rules
        self._ids: list[str] = []
        self._steps: list[Step] = []
        self._answers = 0
        self._heard = first.at  # when the last signal was raised
        self._low: dict[str, Reading | None] = {}  # of each detector the reading since which its evidence is low
        self._samples: dict[str, int] = {}
        self._calm: set[str] = set()  # those whose evidence has been low for long enough

    @property
    def state(self) -> SignalState:
        return self._steps[-1].state if self._steps else SignalState.OK

    def episode(self) -> Episode:
        return Episode(
            task=self._first.task,
            reason=self._first.reason,
            kind=self._first.kind,
            signal_ids=tuple(self._ids),
            steps=tuple(self._steps),
            answers=self._answers,
        )

    def raised(self, signal: Signal) -> None:
        """Another signal; while somebody is at work it changes nothing."""
        self._ids.append(signal.id)
        self._heard = signal.at
        self._low[signal.detector] = None
        self._calm.discard(signal.detector)
        state = SignalState.ALARM if signal.kind is SignalKind.RETRAIN else SignalState.WARNING
        self._turn(state, signal.at, Cause.SIGNAL)

    def hear(self, entry: _Entry) -> None:
        """Something else that happened."""
        if isinstance(entry, SignalEvent) and entry.signal_id in self._ids:
            self._answers += entry.by != MONITORS
            cause = Cause.EVIDENCE if entry.by == MONITORS else Cause.ANSWER
            self._turn(entry.state, entry.at, cause, by=entry.by, note=entry.note)
        elif isinstance(entry, Deployment):
            self._turn(SignalState.RECOVERED, entry.at, Cause.DEPLOYMENT, by=entry.by, note=entry.model)
        elif isinstance(entry, Reading) and entry.detector in self._low:
            self._read(entry)

    def wait(self, at: float) -> None:
        """Time passes until `at`."""
        silent_at = self._heard + _SILENCE_S.get(self._first.reason, float("inf"))
        if silent_at <= at:
            self._turn(SignalState.RECOVERED, silent_at, Cause.TIME)
        if self.state is SignalState.RECOVERED and (over := self._steps[-1].at + self._rules.cooldown_s) <= at:
            self._turn(SignalState.OK, over, Cause.TIME)

    def _read(self, reading: Reading) -> None:
        low, before = self._low[reading.detector], self._samples.get(reading.detector, 0)
        self._samples[reading.detector] = reading.samples
        if reading.evidence >= CALM or reading.alarm:
            self._low[reading.detector] = None
            self._calm.discard(reading.detector)
        elif low is None or reading.samples < before:  # fewer: the detector has begun afresh
            self._low[reading.detector] = reading
        elif reading.at - low.at >= self._rules.cooldown_s and reading.samples - low.samples >= self._rules.least:
            self._calm.add(reading.detector)
        if self._calm and self._calm == self._low.keys():
            self._turn(SignalState.RECOVERED, reading.at, Cause.EVIDENCE)

    def _turn(self, state: SignalState, at: float, cause: Cause, *, by: str = "", note: str = "") -> None:
        """Go to a state, if the table lets it; what it does not is as if it had not been said."""
        if cause in TRANSITIONS[self.state].get(state, ()):
            self._steps.append(Step(state, at, cause, by, note))

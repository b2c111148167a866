"""What a task's detectors make of its inputs, one after the other.  Pure: a replay gives the same signals."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm, DetectorState, Reading, Signal, SignalKind, Stratum
from monitors import signals
from monitors.keys import counting_key
from monitors.seen import Found, SeenInput
from monitors.split import CLUSTER, NOVELTY
from monitors.windowed.hours import UNSEEN
from monitors.windowed.shares import RARE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.follow_up import Tally
    from domain.records import Deployment, Exchange
    from domain.settings import SignalSettings
    from monitors.reference import Reference
    from monitors.seen import Panel

_MONTH_S = 30 * 86400.0
_MINUTE_S = 60.0
SILENT = "novelty_per_sample"
NOVELTIES = frozenset({NOVELTY, SILENT})  # detectors whose alarms raise the shadow rate
REMEMBERED = 300  # inputs among which examples are looked for


class Harvest(msgspec.Struct, frozen=True):
    """What a batch came to."""

    readings: Sequence[Reading]
    signals: Sequence[Signal]
    states: Sequence[DetectorState]
    tallies: Sequence[Tally]


class InputWatch:
    """A deployment, the reference that its inputs are compared with, and the panels that watch them.

    Novelty is about inputs, so every input since the deployment counts, whichever model answered it: the newest inputs
    are the likeliest to have been answered by the teacher.  Only one that reached no model is nobody's to answer: a
    flood of attacks that a policy blocks is no new topic.
    """

    def __init__(
        self,
        deployment: Deployment,
        reference: Reference,
        panels: Sequence[Panel],
        *,
        key: str,
        past: Sequence[Signal],
        alarmed: float | None,
        settings: SignalSettings,
        one_per_user: bool = False,
    ) -> None:
        """`key`: what states belong to; `past`: signals so far; `alarmed`: when one of `NOVELTIES` last alarmed."""
        self.deployment = deployment
        self.reference = reference
        self.signals = [signal for signal in past if signal.at >= deployment.at]
        self._earlier = [signal for signal in past if signal.at < deployment.at]
        self._panels = panels
        self._key = key
        self._alarmed = alarmed
        self._settings = settings
        self._one_per_user = one_per_user
        self._recent: deque[tuple[str, SeenInput]] = deque(maxlen=REMEMBERED)
        self._told: dict[str, float] = {}  # the minute in which a detector's standing was told last
        self._readings: list[Reading] = []
        self._raised: list[Signal] = []

    def see(self, exchange: Exchange, novelty: float | None, cluster: int | None, words: Mapping[str, str]) -> None:
        """Take an input in, unless it came before this student was deployed or reached no model."""
        seen = self.remember(exchange, novelty, cluster, words)
        if seen is None:
            return
        for panel in self._panels:
            for found in panel.see(seen):
                self._take(found)

    def remember(
        self, exchange: Exchange, novelty: float | None, cluster: int | None, words: Mapping[str, str]
    ) -> SeenInput | None:
        """Keep an input as a possible example, without counting it; None when it would not count."""
        if exchange.at < self.deployment.at or exchange.arm is Arm.NONE:
            return None
        key = counting_key(exchange, cluster, one_per_user=self._one_per_user)
        seen = SeenInput(exchange.at, key, novelty, cluster, words)
        self._recent.append((exchange.id, seen))
        return seen

    def warned(self, at: float) -> bool:
        """Whether flagged inputs are to be asked about more often: a warning is fresh, or an alarm of novelty."""
        if signals.holds(self.signals, at=at, settings=self._settings):
            return True
        return self._alarmed is not None and signals.fresh(self._alarmed, at=at, settings=self._settings)

    def alarms_30d(self, *, at: float) -> dict[str, int]:
        """How many warnings each detector raised in the 30 days before `at`, whichever student served."""
        counts = dict.fromkeys(signals.REASONS, 0)
        for signal in (*self._earlier, *self.signals):
            if signal.kind is SignalKind.WARNING and signal.detector in counts and signal.at >= at - _MONTH_S:
                counts[signal.detector] += 1
        return counts

    def harvest(self, at: float) -> Harvest:
        """What there is to be written after the inputs so far; it is given once."""
        standing = [self._reading(found) for panel in self._panels for found in panel.standing(at) if self._due(found)]
        harvest = Harvest(
            readings=[*self._readings, *standing],
            signals=self._raised,
            states=[
                DetectorState(task=self.deployment.task, detector=name, reference_id=self._key, state=state)
                for panel in self._panels
                for name, state in panel.states().items()
            ],
            tallies=[tally for panel in self._panels for tally in panel.tallies()],
        )
        self._readings, self._raised = [], []
        return harvest

    def _due(self, found: Found) -> bool:
        """Whether where a detector stands is told: of a silent one, which nobody waits for, once a minute."""
        minute = found.at // _MINUTE_S
        if found.silent and self._told.get(found.detector) == minute:
            return False
        self._told[found.detector] = minute
        return True

    def _take(self, found: Found) -> None:
        self._readings.append(self._reading(found))
        if found.detector in NOVELTIES and found.evidence.alarm:
            self._alarmed = found.at
        if signals.warning_due(found, self.signals, settings=self._settings):
            signal = signals.warning(self.deployment, found, examples=self._examples(found))
            self.signals.append(signal)
            self._raised.append(signal)

    def _reading(self, found: Found) -> Reading:
        evidence = found.evidence
        return Reading(
            task=self.deployment.task,
            detector=found.detector,
            model=self.deployment.model,
            at=found.at,
            samples=evidence.samples,
            score=evidence.score,
            evidence=evidence.evidence,
            alarm=evidence.alarm,
            worst=evidence.worst,
        )

    def _examples(self, found: Found) -> list[str]:
        """Inputs of what grew, the newest first; for novelty the strangest."""
        if found.detector == NOVELTY:
            rows = [(seen.novelty, id_) for id_, seen in self._recent if seen.novelty is not None]
            flagged = [row for row in rows if self.reference.stratum(row[0]) is Stratum.FLAGGED]
            return [id_ for _, id_ in sorted(flagged, key=lambda row: -row[0])]
        belongs = _belongs(found)
        return [id_ for id_, seen in reversed(self._recent) if belongs(seen)]


def _belongs(found: Found) -> Callable[[SeenInput], bool]:
    family, worst = found.detector, found.evidence.worst
    if worst in (RARE, UNSEEN):
        return lambda seen: _category(seen, family) not in (None, *found.names)
    return lambda seen: _category(seen, family) == worst


def _category(seen: SeenInput, family: str) -> str | None:
    if family == CLUSTER:
        return None if seen.cluster is None else str(seen.cluster)
    return seen.words.get(family)

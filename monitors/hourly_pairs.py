"""The windowed detector of agreement: pairs go into an hour, and each hour that closes moves the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation
from monitors.hourly import Fitted, fit_state

if TYPE_CHECKING:
    from domain.follow_up import Tally
    from domain.ports import Detector
    from monitors.hour_book import HourBook
    from monitors.ripening import Fit
    from monitors.windowed.live import HourlyAgreement

_MEMORY = 0.02  # weight of the newest pair in the agreement that is shown


class HourlyPairs:
    """Behind the port of detectors: an observation is a pair, and most of them say nothing new.

    Only pairs of the uniform sample count: within a cluster, those that were asked about for being strange are unlike
    the others.  Nor does one whose input was not embedded: which cluster explains it is not known.
    """

    name = "agreement"

    def __init__(self, book: HourBook, fit: Fit, fitted: Fitted[HourlyAgreement] | None) -> None:
        """`fitted`: None while no baseline has been learned; then pairs are counted."""
        self._book = book
        self._fit = fit
        self._fitted = fitted
        self._samples = 0
        self._agreement = 1.0
        self._evidence = 0.0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; `counts` is (1,) for a disagreement and (0,) for an agreement."""
        alarm, worst = False, ""
        closed, fitted = self._book.turn(observation.at), self._fitted
        if closed is not None and fitted is not None and fitted.hears(closed[0]):
            found = fitted.detector.hour(*closed)
            self._evidence, alarm, worst = found.evidence, found.alarm and self._fit.armed, found.worst
        self._samples += 1
        self._agreement += max(_MEMORY, 1 / self._samples) * (1.0 - observation.counts[0] - self._agreement)
        if observation.uniform:
            self._book.pair(observation.key, observation.cluster, disagreed=bool(observation.counts[0]))
        return Evidence(self._samples, self._agreement, self._evidence, alarm, worst)

    def state(self) -> bytes:
        """See `domain.ports.Detector`: the counts here, and the detector's own memory with its fit."""
        inner = fit_state(self._fit) if self._fitted is None else self._fitted.state()
        return msgspec.json.encode(_Memory(self._samples, self._agreement, self._evidence, msgspec.Raw(inner)))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`.  A memory of another baseline counts on, and its evidence starts afresh."""
        memory = msgspec.json.decode(state, type=_Memory)
        self._samples, self._agreement = memory.samples, memory.agreement
        if self._fitted is not None and self._fitted.restore(bytes(memory.inner)):
            self._evidence = memory.evidence

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        if self._fitted is None:
            return f"not armed: {self._fit.waiting}"
        return self._fitted.detector.budget()

    def tallies(self) -> Sequence[Tally]:
        """The hours that have changed since this was last asked."""
        return self._book.tallies()


class _Memory(msgspec.Struct, frozen=True):
    samples: int
    agreement: float
    evidence: float
    inner: msgspec.Raw


def inner_state(state: bytes | None) -> bytes | None:
    """What a state of `HourlyPairs` holds of the detector and its fit; None when it is of another kind."""
    if state is None:
        return None
    try:
        return bytes(msgspec.json.decode(state, type=_Memory).inner)
    except msgspec.DecodeError:
        return None


if TYPE_CHECKING:
    _: type[Detector] = HourlyPairs

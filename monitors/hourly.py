"""Windowed detectors of inputs: counts go into an hour, and each hour that closes moves the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from monitors.ripening import Fit
from monitors.seen import Found, SeenInput

if TYPE_CHECKING:
    from domain.follow_up import Tally
    from domain.ports import Evidence
    from monitors.hour_book import HourBook
    from monitors.reference import Reference
    from monitors.seen import Panel
    from monitors.windowed.hours import Hour


class HourlyDetector(Protocol):
    """What is needed of the detectors in `monitors.windowed.live`."""

    name: str

    def hour(self, hour_number: int, hour: Hour) -> Evidence:
        """Take in an hour that is over."""
        ...

    def state(self) -> bytes:
        """The memory as JSON."""
        ...

    def restore(self, state: bytes) -> None:
        """Continue from what `state` returned."""
        ...

    def budget(self) -> str:
        """The false-alarm budget in words."""
        ...


D = TypeVar("D", bound=HourlyDetector)


class _Stored(msgspec.Struct, frozen=True):
    """A memory, and the baseline that it belongs to."""

    fit: Fit
    memory: msgspec.Raw


class Fitted(Generic[D]):
    """A detector with what its baseline was learned from."""

    def __init__(self, detector: D, fit: Fit, *, names: Sequence[str] = ()) -> None:
        """`names`: the categories that the baseline tells apart."""
        self.detector = detector
        self.fit = fit
        self.names = frozenset(names)

    def hears(self, number: int) -> bool:
        """Whether hour `number` tells it anything: its baseline was not learned from it."""
        return number >= self.fit.until

    def state(self) -> bytes:
        """The memory with the fit, as JSON."""
        return msgspec.json.encode(_Stored(self.fit, msgspec.Raw(self.detector.state())))

    def restore(self, state: bytes) -> bool:
        """Continue; False, and a fresh start, when the memory belongs to another baseline."""
        try:
            stored = msgspec.json.decode(state, type=_Stored)
            if stored.fit.baseline != self.fit.baseline:
                return False
            self.detector.restore(bytes(stored.memory))
        except ValueError:
            return False
        return True


def fit_state(fit: Fit) -> bytes:
    """A fit as the state of a family that has no detector yet."""
    return msgspec.json.encode(_Stored(fit, msgspec.Raw(b"null")))


def stored_fit(state: bytes | None) -> Fit:
    """The fit in a state; that of a family of which nothing is known, when there is none or it is of another kind."""
    return known_fit(state) or Fit()


def known_fit(state: bytes | None) -> Fit | None:
    """The fit in a state; None when there is none, or when it is of another kind of detector."""
    if state is None:
        return None
    try:
        return msgspec.json.decode(state, type=_Stored).fit
    except msgspec.DecodeError:
        return None


class HourlyPanel:
    """Novelty, shares of clusters and of words, all from the same hours."""

    def __init__(
        self,
        book: HourBook,
        reference: Reference,
        detectors: Sequence[Fitted[HourlyDetector]],
        *,
        waiting: Mapping[str, Fit],
    ) -> None:
        """`waiting`: the families that have learned no baseline yet, with what they wait for."""
        self._book = book
        self._reference = reference
        self._detectors = detectors
        self._waiting = waiting

    def see(self, seen: SeenInput) -> Sequence[Found]:
        """See `monitors.seen.Panel`: what an hour that the input closes comes to."""
        found: list[Found] = []
        if (closed := self._book.turn(seen.at)) is not None:
            found = [self._hear(each, *closed, at=seen.at) for each in self._detectors if each.hears(closed[0])]
        exceeded = 0 if seen.novelty is None else int(sum(self._reference.exceeds(seen.novelty)))
        self._book.input(seen.key, cluster=seen.cluster, exceeded=exceeded, words=seen.words)
        return found

    def standing(self, at: float) -> Sequence[Found]:
        """See `monitors.seen.Panel`: between hours nothing moves."""
        return ()

    def states(self) -> Mapping[str, bytes]:
        """See `monitors.seen.Panel`."""
        known = {fitted.detector.name: fitted.state() for fitted in self._detectors}
        return known | {name: fit_state(fit) for name, fit in self._waiting.items()}

    def tallies(self) -> Sequence[Tally]:
        """See `monitors.seen.Panel`."""
        return self._book.tallies()

    @staticmethod
    def _hear(fitted: Fitted[HourlyDetector], number: int, hour: Hour, *, at: float) -> Found:
        detector = fitted.detector
        evidence = detector.hour(number, hour)
        return Found(detector.name, at, evidence, detector.budget(), silent=not fitted.fit.armed, names=fitted.names)


if TYPE_CHECKING:
    _: type[Panel] = HourlyPanel

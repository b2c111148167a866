"""Detectors that hear of each input apart: for replays, the demo and traffic whose inputs are independent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.ports import Observation
from monitors.seen import Found, SeenInput

if TYPE_CHECKING:
    from domain.follow_up import Tally
    from domain.ports import Detector
    from monitors.reference import Reference
    from monitors.seen import Panel

Look = Callable[[SeenInput], Observation | None]


class Member(msgspec.Struct, frozen=True):
    """A detector, what it is called here, and what it hears of an input; None: nothing."""

    name: str
    detector: Detector
    look: Look
    silent: bool = False


class PerSamplePanel:
    """Asks each of its members about each input."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._last: dict[str, Found] = {}

    def see(self, seen: SeenInput) -> Sequence[Found]:
        """See `monitors.seen.Panel`: the alarms."""
        return [found for member in self._members if (found := self._ask(member, seen)) and found.evidence.alarm]

    def standing(self, at: float) -> Sequence[Found]:
        """See `monitors.seen.Panel`."""
        last, self._last = self._last, {}
        return [msgspec.structs.replace(found, at=at) for found in last.values() if not found.evidence.alarm]

    def states(self) -> Mapping[str, bytes]:
        """See `monitors.seen.Panel`."""
        return {member.name: member.detector.state() for member in self._members}

    def tallies(self) -> Sequence[Tally]:
        """See `monitors.seen.Panel`: it counts no hours."""
        return ()

    def _ask(self, member: Member, seen: SeenInput) -> Found | None:
        observation = member.look(seen)
        if observation is None:
            return None
        evidence = member.detector.update(observation)
        found = Found(member.name, seen.at, evidence, member.detector.budget(), silent=member.silent)
        self._last[member.name] = found
        return found


def novelty(reference: Reference) -> Look:
    """Which quantiles of the reference's novelty an input exceeds."""

    def look(seen: SeenInput) -> Observation | None:
        if seen.novelty is None:
            return None
        counts, stratum = reference.exceeds(seen.novelty), reference.stratum(seen.novelty)
        return Observation(at=seen.at, counts=counts, stratum=stratum, key=seen.key)

    return look


def cluster(seen: SeenInput) -> Observation | None:
    """Which cluster an input belongs to."""
    return None if seen.cluster is None else _member(seen, str(seen.cluster))


def word(family: str) -> Look:
    """What a descriptor says of an input."""

    def look(seen: SeenInput) -> Observation | None:
        return _member(seen, seen.words[family]) if family in seen.words else None

    return look


def _member(seen: SeenInput, category: str) -> Observation:
    return Observation(at=seen.at, counts=(1.0,), stratum=category, key=seen.key)


if TYPE_CHECKING:
    _: Panel = PerSamplePanel(())

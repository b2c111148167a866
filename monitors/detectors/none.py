"""The baseline that never alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation

if TYPE_CHECKING:
    from domain.ports import Detector


class NoDetector:
    """Counts, and keeps quiet."""

    def __init__(self, name: str = "none") -> None:
        self.name = name
        self._samples = 0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`."""
        self._samples += 1
        return Evidence(self._samples, observation.counts[0], 0.0, False)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(self._samples)

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        self._samples = msgspec.json.decode(state, type=int)

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return "never alarms"


if TYPE_CHECKING:
    _: Detector = NoDetector()

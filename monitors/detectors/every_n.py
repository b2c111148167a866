"""The baseline that alarms every n observations, whatever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.ports import Evidence, Observation

if TYPE_CHECKING:
    from domain.ports import Detector


class EveryN:
    """A detector that cannot beat this one knows nothing."""

    def __init__(self, n: int, *, name: str = "every_n") -> None:
        """`n`: observations between alarms, at least 1."""
        self.name = name
        self._n = n
        self._samples = 0

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`."""
        self._samples += 1
        since = self._samples % self._n
        return Evidence(self._samples, observation.counts[0], since / self._n if since else 1.0, since == 0)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        return msgspec.json.encode(self._samples)

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        self._samples = msgspec.json.decode(state, type=int)

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return f"one alarm every {self._n:,} observations"


if TYPE_CHECKING:
    _: Detector = EveryN(1)

"""What a replay has found out so far, in memory: what detectors are armed from, as they are live from the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitors.inputs import REMEMBERED

if TYPE_CHECKING:
    from domain.chronicle import WatchedRow
    from domain.follow_up import Expected, Tally
    from domain.records import DetectorState, Reading, Signal
    from domain.store import Store
    from monitors.inputs import Harvest
    from monitors.past import Past

_ROWS = 4 * REMEMBERED
_KEPT_S = 3 * 86400.0  # readings that are no alarm explain signals of the day after, at most


class ReplayMemory:
    """One task's tallies, states, readings and signals; references and marked days come from the store."""

    def __init__(self, store: Store) -> None:
        """Nothing is ever written to `store`."""
        self.found: list[Signal] = []
        self._store = store
        self._tallies: dict[str, dict[int, Tally]] = {}
        self._states: dict[tuple[str, str], DetectorState] = {}
        self._alarms: list[Reading] = []
        self._standing: deque[Reading] = deque()
        self._rows: deque[WatchedRow] = deque(maxlen=_ROWS)

    def take(self, harvest: Harvest) -> None:
        """Keep what a batch came to."""
        self.found.extend(harvest.signals)
        for state in harvest.states:
            self._states[state.reference_id, state.detector] = state
        for tally in harvest.tallies:
            self._tallies.setdefault(tally.series, {})[tally.hour] = tally
        for reading in harvest.readings:
            (self._alarms if reading.alarm else self._standing).append(reading)
        while self._standing and self._standing[0].at < self._standing[-1].at - _KEPT_S:
            self._standing.popleft()

    def watched(self, rows: Sequence[WatchedRow]) -> None:
        """Keep the last inputs that were seen."""
        self._rows.extend(rows)

    async def tallies(self, task: str, series: str, *, after: int = 0) -> list[Tally]:
        """See `monitors.past.Past`."""
        found = self._tallies.get(series, {})
        return [found[hour] for hour in sorted(found) if hour >= after]

    async def expected(self, task: str) -> list[Expected]:
        """See `monitors.past.Past`."""
        return await self._store.expected(task)

    async def last_watched(self, task: str, *, until: float, limit: int) -> list[WatchedRow]:
        """See `monitors.past.Past`."""
        by_time = sorted((row for row in self._rows if row.exchange.at <= until), key=lambda row: row.exchange.at)
        return sorted(by_time[-limit:], key=lambda row: row.number)

    async def readings(self, task: str, *, after: float = 0.0) -> list[Reading]:
        """See `monitors.past.Past`; alarms, and of the last days every reading."""
        return sorted((each for each in (*self._alarms, *self._standing) if each.at >= after), key=lambda each: each.at)

    async def detector_states(self, task: str, reference_id: str) -> list[DetectorState]:
        """See `monitors.past.Past`."""
        return [state for (key, _), state in sorted(self._states.items()) if key == reference_id]

    async def signals(self, task: str, *, after: float = 0.0) -> list[Signal]:
        """See `monitors.past.Past`."""
        return sorted((signal for signal in self.found if signal.at >= after), key=lambda signal: signal.at)

    async def blob(self, blob_id: str) -> bytes | None:
        """See `monitors.past.Past`."""
        return await self._store.blob(blob_id)


if TYPE_CHECKING:
    _: type[Past] = ReplayMemory

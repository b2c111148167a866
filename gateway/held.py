"""The events of a stream that wait for their verdict, and what they say."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.answers import Slot
    from gateway.dialect import Spotter, Stretch


class Event(NamedTuple):
    """An event, and where the texts in it stand in those of the answer."""

    data: bytes
    stretches: tuple[Stretch, ...]


class Held:
    """Events in the order in which they came.  One leaves when all that it says may, and none before another."""

    def __init__(self, spotter: Spotter) -> None:
        self.bytes = 0  # of the events that wait
        self.chars = 0  # of all texts so far
        self.closed: set[Slot] = set()  # texts that are complete
        self.fresh = False  # a text has been completed since this was last set back
        self.lengths: dict[Slot, int] = {}
        self._spotter = spotter
        self._events: deque[Event] = deque()
        self._continued: set[Slot] = set()

    def __len__(self) -> int:
        return len(self._events)

    def take(self, data: bytes) -> None:
        """The next event has come."""
        spotted = self._spotter.spot(data)
        for slot, _, end in spotted.stretches:
            known = self.lengths.get(slot, 0)
            if end > known:
                self.lengths[slot] = end
                self.chars += end - known
                if slot in self.closed:
                    self.closed.discard(slot)
                    self._continued.add(slot)  # some servers say with every piece that it is the last
        for slot in spotted.closed:
            if slot not in self.closed and slot not in self._continued:
                self.closed.add(slot)
                self.fresh = True
        self._events.append(Event(data, spotted.stretches))
        self.bytes += len(data)

    def speaks(self, free: Mapping[Slot, int]) -> bool:
        """Whether the first event with a text may leave; `free` has the characters of each text that may."""
        for event in self._events:
            if event.stretches:
                return _leaves(event, free)
        return False

    def release(self, free: Mapping[Slot, int]) -> list[Event]:
        """The events that may leave, which wait no longer."""
        left = []
        while self._events and _leaves(self._events[0], free):
            event = self._events.popleft()
            self.bytes -= len(event.data)
            left.append(event)
        return left

    def data(self) -> tuple[bytes, ...]:
        """All that waits."""
        return tuple(event.data for event in self._events)


def _leaves(event: Event, free: Mapping[Slot, int]) -> bool:
    return all(end <= free.get(slot, 0) for slot, _, end in event.stretches)

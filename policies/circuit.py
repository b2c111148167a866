"""Leaves a check alone that keeps no deadline any more.  Pure: time is an argument, and it never goes back."""

from __future__ import annotations

OVERRUNS = 5  # in a row, which open the circuit
OPEN_S = 5.0  # seconds before one inspection may try


class Circuit:
    """Closed until `OVERRUNS` in a row; then open for `OPEN_S`, after which one inspection at a time may try.

    One that is in time closes it, one that is not opens it for as long again.
    """

    __slots__ = ("_overruns", "_trying", "_until")

    def __init__(self) -> None:
        self._overruns = 0  # in a row
        self._until = 0.0
        self._trying = False

    @property
    def closed(self) -> bool:
        """Whether the check is asked as usual."""
        return self._overruns < OVERRUNS

    def enter(self, now: float) -> bool:
        """Whether an inspection may begin; if so, tell `left` exactly once how it went."""
        if self.closed:
            return True
        if self._trying or now < self._until:
            return False
        self._trying = True
        return True

    def left(self, *, overran: bool | None, now: float) -> None:
        """An inspection ended: late, in time, or (None) before anything could be learned."""
        if overran is None:
            self._trying = False
        elif overran:
            self._overruns += 1
            self._trying = False
            self._until = now + OPEN_S
        else:
            self._overruns, self._trying = 0, False

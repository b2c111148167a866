"""How many of the inputs that wait may be embedded: an embedder that falls behind must not stop the monitors."""

from __future__ import annotations

_BURST_S = 2.0  # of allowance that may be saved up


class Quota:
    """An allowance of so many inputs a second.  The share it grants depends on numbers only, never on an input."""

    def __init__(self, per_s: float, *, at: float) -> None:
        """`at`: seconds of any clock, the same as in `share`."""
        self._per_s = per_s
        self._left = per_s * _BURST_S
        self._at = at

    def share(self, waiting: int, *, at: float) -> float:
        """The share of `waiting` inputs that may be embedded now, in [0, 1]; it is used up by that."""
        self._left = min(self._per_s * _BURST_S, self._left + self._per_s * max(0.0, at - self._at))
        self._at = at
        granted = min(1.0, self._left / waiting) if waiting else 1.0
        self._left = max(0.0, self._left - granted * waiting)
        return granted

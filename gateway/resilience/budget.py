"""How many attempts there may be beyond one a call, so that help for a few is no burden for all."""

from __future__ import annotations

_HALF_S = 5.0
_RETRY_SHARE = 0.2
_FREE_RETRIES = 10  # so that a quiet gateway may retry at all
_CALLS_PER_HEDGE = 10
_SAVED_CALLS = 100


class RetryBudget:
    """Retries are at most 20 % of the calls of the last 5-10 s, and ten more: an outage is not multiplied."""

    def __init__(self) -> None:
        self._calls = self._calls_before = 0
        self._retries = self._retries_before = 0
        self._turns_at = 0.0

    def called(self, now: float) -> None:
        """A call came in."""
        if now >= self._turns_at:
            self._turn(now)
        self._calls += 1

    def take(self, now: float) -> bool:
        """Spend one retry if there is one left."""
        if now >= self._turns_at:
            self._turn(now)
        most = _FREE_RETRIES + _RETRY_SHARE * (self._calls + self._calls_before)
        if self._retries + self._retries_before + 1 > most:
            return False
        self._retries += 1
        return True

    def _turn(self, now: float) -> None:
        """Begin a half window; the last one still counts unless it is too long ago."""
        recent = now < self._turns_at + _HALF_S
        self._calls_before, self._calls = (self._calls if recent else 0), 0
        self._retries_before, self._retries = (self._retries if recent else 0), 0
        self._turns_at = (self._turns_at if recent else now) + _HALF_S


class HedgeBudget:
    """One hedge for every ten calls, ever; ten hedges can be saved up."""

    def __init__(self) -> None:
        self._saved = 0

    def called(self) -> None:
        """A call came in."""
        if self._saved < _SAVED_CALLS:
            self._saved += 1

    def take(self) -> bool:
        """Spend one hedge if there is one left."""
        if self._saved < _CALLS_PER_HEDGE:
            return False
        self._saved -= _CALLS_PER_HEDGE
        return True

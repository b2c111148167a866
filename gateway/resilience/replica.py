"""One server of an upstream: how busy it is and whether it works."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.resilience.breaker import Breaker, Pass

if TYPE_CHECKING:
    from prometheus_client import Gauge

    from domain.ports import Upstream
    from domain.settings import BreakerSettings

_LOG = logging.getLogger(__name__)


class Replica:
    """A server with its breaker and the calls that are with it; says once each that the breaker opened and closed."""

    def __init__(
        self, name: str, number: int, upstream: Upstream, settings: BreakerSettings, *, breaker_open: Gauge
    ) -> None:
        """`name` is that of the configured upstream, `number` tells its replicas apart."""
        self.upstream = upstream
        self.breaker = Breaker(settings)
        self.outstanding = 0
        self._name = name
        self._number = number
        self._gauge = breaker_open
        self._shown_open = False
        self._retired = False

    def enter(self) -> Pass:
        """A call goes to it."""
        self.outstanding += 1
        return self.breaker.enter()

    def began(self, ticket: Pass) -> None:
        """A good answer has begun: enough for a probe, whose stream may go on for minutes."""
        if not self.breaker.closed:
            self.breaker.succeeded(ticket)
            self._show()

    def leave(self, ticket: Pass, *, well: bool | None, now: float) -> None:
        """A call is over: it went well or not, or nobody knows because it was given up (None)."""
        self.outstanding -= 1
        if well:
            self.breaker.succeeded(ticket)
        elif well is None:
            self.breaker.left(ticket)
        else:
            self.breaker.failed(ticket, now)
        self._show()

    async def aclose(self) -> None:
        """Close its connections, and no longer count as open."""
        self._retired = True
        if self._shown_open:
            self._gauge.dec()
        await self.upstream.aclose()

    def _show(self) -> None:
        breaker = self.breaker
        if breaker.closed is not self._shown_open or self._retired:
            return
        self._shown_open = not breaker.closed
        if breaker.closed:
            self._gauge.dec()
            _LOG.info("breaker_closed upstream=%s replica=%s", self._name, self._number)
            return
        self._gauge.inc()
        text = "breaker_open upstream=%s replica=%s failures=%s for_s=%s"
        _LOG.warning(text, self._name, self._number, breaker.failures, breaker.open_s)

"""The metrics of upstreams.  Label values come from configuration or from bounded sets, never from a client."""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = Counter("preceptor_upstream_attempts_total", "Attempts by how they ended.", ["upstream", "outcome"])
RETRIES = Counter("preceptor_upstream_retries_total", "Attempts after one that failed.", ["upstream", "reason"])
HEDGES = Counter("preceptor_upstream_hedges_total", "Calls with a hedge, by who answered.", ["upstream", "winner"])
REFUSED = Counter("preceptor_upstream_refused_total", "Attempts that were not made.", ["upstream", "reason"])
BREAKER_OPEN = Gauge(
    "preceptor_upstream_breaker_open",
    "Workers whose breaker keeps calls from the replica.",
    ["upstream", "replica"],
    multiprocess_mode="livesum",
)
WAITING = Gauge(
    "preceptor_upstream_waiting", "Calls that wait for a turn.", ["upstream"], multiprocess_mode="livesum"
)  # fmt: skip


class Refusal(enum.StrEnum):
    """Why an attempt was not made."""

    FULL = "full"  # as many calls wait as may
    WAITED = "waited"  # its turn did not come in time
    OPEN = "open"  # every replica failed too often
    RETRY_BUDGET = "retry_budget"  # retries would multiply an outage


class UpstreamMetrics:
    """The metrics of one upstream with their children looked up once."""

    def __init__(self, upstream: str, replicas: int) -> None:
        self.ok: Counter = ATTEMPTS.labels(upstream, "ok")
        self.waiting: Gauge = WAITING.labels(upstream)
        self.breaker_open: tuple[Gauge, ...] = tuple(
            BREAKER_OPEN.labels(upstream, str(number)) for number in range(replicas)
        )
        self.attempts = _children(ATTEMPTS, upstream)
        self.retries = _children(RETRIES, upstream)
        self.hedges = _children(HEDGES, upstream)
        self.refused = _children(REFUSED, upstream)


def _children(metric: Counter, upstream: str) -> Callable[[str], Counter]:
    """The metric's child for the upstream and the other label value, looked up once each."""
    return functools.cache(functools.partial(metric.labels, upstream))

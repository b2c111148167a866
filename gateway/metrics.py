"""Every metric of the gateway.  Label values come from configuration or from bounded sets, never from a client.

Under a supervisor prometheus_client keeps them in files that the console adds up; a gateway serves no /metrics.
"""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from adapters.metrics import COST_USD

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.records import Decision

M = TypeVar("M", Counter, Histogram)

NO_ARM = "none"  # nobody answered

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_OVERHEAD_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)

REQUESTS = Counter("preceptor_requests_total", "Requests by the arm that answered.", ["task", "arm", "outcome"])
REQUEST_SECONDS = Histogram(
    "preceptor_request_seconds", "From the request's head to the answer's end.", ["task", "arm"], buckets=_SECONDS
)
OVERHEAD_SECONDS = Histogram(
    "preceptor_overhead_seconds", "Time in the gateway itself, upstreams excluded.", ["task"], buckets=_OVERHEAD_SECONDS
)
FIRST_TOKEN_SECONDS = Histogram(
    "preceptor_first_token_seconds", "From the request's head to the first event of a stream.", ["task", "arm"],
    buckets=_SECONDS,
)  # fmt: skip
DECISIONS = Counter(
    "preceptor_policy_decisions_total",
    "What checks decided.",
    ["task", "check", "stage", "verdict", "mode"],
)
CHECK_FAILURES = Counter(
    "preceptor_policy_failures_total",
    "Checks that could not run, by why; their verdict is their `on_error`.",
    ["task", "check", "stage", "reason"],
)
SHADOWS_DROPPED = Counter(
    "preceptor_shadow_checks_dropped_total",
    "Subjects that shadow checks did not see, as too many were waiting.",
    ["task"],
)
FALLBACKS = Counter("preceptor_fallbacks_total", "Calls that went on to the teacher, by cause.", ["task", "reason"])
REFUSED = Counter(
    "preceptor_refused_total", "Requests that were answered with an error of our own, by its code.", ["code"]
)
STORED_DROPPED = Counter("preceptor_stored_dropped_total", "Answers with `store: true` that were not stored.")
SAVED_USD = Counter(
    "preceptor_saved_usd_total", "What the teacher would have cost more for the answers of the student.", ["task"]
)
JOURNAL_DROPPED = Counter("preceptor_journal_dropped_total", "Sampled exchanges that were not journalled.")
JOURNAL_QUEUE = Gauge("preceptor_journal_queue", "Exchanges that wait for the store.", multiprocess_mode="livesum")


def refused(code: str) -> None:
    """Count an error that we answered with ourselves."""
    _refused(code).inc()


class Outcome(enum.StrEnum):
    """How a request ended."""

    OK = "ok"
    BLOCKED = "blocked"  # an answer was withheld
    REFUSED = "refused"  # the input was blocked
    CLIENT_ERROR = "client_error"  # the upstream said that the request is wrong
    UPSTREAM_ERROR = "upstream_error"  # no model gave an answer
    CUT = "cut"  # a stream broke after its first event
    CLIENT_GONE = "client_gone"


class TaskMetrics:
    """The metrics of one task with their children looked up once: `labels()` on every request would cost more."""

    def __init__(self, task: str) -> None:
        self.overhead: Histogram = OVERHEAD_SECONDS.labels(task)
        self.saved: Counter = SAVED_USD.labels(task)
        self.requests = _children(REQUESTS, task)
        self.seconds = _children(REQUEST_SECONDS, task)
        self.first_token = _children(FIRST_TOKEN_SECONDS, task)
        self.fallbacks = _children(FALLBACKS, task)
        self.cost = _children(COST_USD, task)
        self.shadows_dropped: Counter = SHADOWS_DROPPED.labels(task)
        self._decisions = _children(DECISIONS, task)
        self._check_failures = _children(CHECK_FAILURES, task)

    def decided(self, decisions: tuple[Decision, ...]) -> None:
        """Count what checks decided."""
        for decision in decisions:
            mode = "shadow" if decision.shadow else "enforce"
            self._decisions(decision.check, decision.stage, decision.verdict, mode).inc()
            if decision.failed:
                self._check_failures(decision.check, decision.stage, decision.reason).inc()

    def ended(self, arm: str, outcome: Outcome, *, seconds: float, overhead_s: float) -> None:
        """Count a request that is over."""
        self.requests(arm, outcome).inc()
        self.seconds(arm).observe(seconds)
        self.overhead.observe(overhead_s)


@functools.cache
def _refused(code: str) -> Counter:
    return REFUSED.labels(code)


def _children(metric: M, task: str) -> Callable[..., M]:
    """The metric's child for the task and the other label values, looked up once each."""
    return functools.cache(lambda *values: metric.labels(task, *values))

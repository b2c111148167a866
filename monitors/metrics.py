"""Every metric of the monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from domain.records import Agreement, Reading
    from monitors.parity import Parity

_GAUGE: Final = "mostrecent"  # in multiprocess mode: the value of the worker that wrote last

AGREEMENT = Gauge(
    "preceptor_agreement_ratio",
    "Agreement of student and teacher: estimate, lower and upper bound; ceiling: the teacher's with itself.",
    ["task", "bound"],
    multiprocess_mode=_GAUGE,
)
SAFETY_PARITY = Gauge(
    "preceptor_safety_parity_ratio", "Inputs on which only the student is unsafe: estimate, lower and upper bound.",
    ["task", "bound"], multiprocess_mode=_GAUGE,
)  # fmt: skip
DRIFT_SCORE = Gauge(
    "preceptor_drift_score", "A detector's plain statistic.", ["task", "detector"], multiprocess_mode=_GAUGE
)
EVIDENCE = Gauge(
    "preceptor_drift_evidence", "log(e-value) over log(alarm threshold): 1 is an alarm.", ["task", "detector"],
    multiprocess_mode=_GAUGE,
)  # fmt: skip
ALARMS_30D = Gauge(
    "preceptor_alarms_30d", "Alarms in 30 days, to be held against the budget.", ["task", "detector"],
    multiprocess_mode=_GAUGE,
)  # fmt: skip
LAG_SECONDS = Gauge(
    "preceptor_monitor_lag_seconds",
    "Age of the oldest exchange nobody has watched.",
    ["task"],
    multiprocess_mode=_GAUGE,
)
UPSTREAM_SUNSET = Gauge(
    "preceptor_upstream_sunset_timestamp_seconds", "When the provider ends a teacher; NaN: it gives no date.",
    ["upstream", "model"], multiprocess_mode=_GAUGE,
)  # fmt: skip
SIGNALS = Counter("preceptor_signals_total", "Signals raised.", ["task", "reason"])
SHADOW = Counter("preceptor_shadow_exchanges_total", "How shadow samples ended.", ["task", "outcome"])
DELIVERY_FAILURES = Counter("preceptor_notifier_failures_total", "Deliveries that failed and are repeated.", ["task"])
REPORTS = Counter("preceptor_reports_total", "Reports by how they ended.", ["task", "outcome"])
STORE_FAILURES = Counter("preceptor_monitor_store_failures_total", "Batches rolled back and repeated.", ["task"])


def show(task: str, reading: Reading) -> None:
    """Show where a detector stands."""
    DRIFT_SCORE.labels(task, reading.detector).set(reading.score)
    EVIDENCE.labels(task, reading.detector).set(reading.evidence)


def show_agreement(task: str, agreement: Agreement | None, ceiling: Agreement | None = None) -> None:
    """Show the current estimate, and how often the teacher agrees with itself."""
    _show_bounds(AGREEMENT, task, agreement)
    if ceiling is not None:
        AGREEMENT.labels(task, "ceiling").set(ceiling.estimate)


def show_parity(task: str, parity: Parity | None) -> None:
    """Show the current estimate."""
    _show_bounds(SAFETY_PARITY, task, parity)


def _show_bounds(gauge: Gauge, task: str, found: Agreement | Parity | None) -> None:
    if found is not None:
        for bound in ("estimate", "lower", "upper"):
            gauge.labels(task, bound).set(getattr(found, bound))

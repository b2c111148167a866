"""Metrics that more than one process writes to; Prometheus' multiprocess mode adds them up by name."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

COST_USD = Counter("preceptor_cost_usd_total", "Dollars spent on models.", ["task", "leg"])
RELOADS = Counter("preceptor_config_reloads_total", "Times a process took over a changed configuration.")
RELOAD_FAILURES = Counter(
    "preceptor_config_reload_failures_total", "Configurations that were refused; the one before stayed in force."
)
RELOAD_TIMESTAMP = Gauge(
    "preceptor_config_reload_timestamp_seconds",
    "When the configuration in force was read, by the process that is furthest behind.",
    multiprocess_mode="livemin",
)

"""Metrics that more than one process writes to; Prometheus' multiprocess mode adds them up by name."""

from __future__ import annotations

from prometheus_client import Counter

COST_USD = Counter("preceptor_cost_usd_total", "Dollars spent on models.", ["task", "leg"])

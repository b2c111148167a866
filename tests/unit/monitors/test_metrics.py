from __future__ import annotations

import pytest
from prometheus_client import Gauge

from domain.records import Agreement, Reading
from monitors import metrics
from monitors.parity import Parity


@pytest.mark.parametrize(
    ("metric", "name", "labels"),
    [
        (metrics.AGREEMENT, "preceptor_agreement_ratio", ("task", "bound")),
        (metrics.SAFETY_PARITY, "preceptor_safety_parity_ratio", ("task", "bound")),
        (metrics.DRIFT_SCORE, "preceptor_drift_score", ("task", "detector")),
        (metrics.EVIDENCE, "preceptor_drift_evidence", ("task", "detector")),
        (metrics.ALARMS_30D, "preceptor_alarms_30d", ("task", "detector")),
        (metrics.LAG_SECONDS, "preceptor_monitor_lag_seconds", ("task",)),
        (metrics.SIGNALS, "preceptor_signals", ("task", "reason")),
        (metrics.UPSTREAM_SUNSET, "preceptor_upstream_sunset_timestamp_seconds", ("upstream", "model")),
        (metrics.SHADOW, "preceptor_shadow_exchanges", ("task", "outcome")),
        (metrics.REPORTS, "preceptor_reports", ("task", "outcome")),
    ],
)
def test_names_and_labels_are_the_contract(metric, name, labels):
    """Dashboards and alerts rely on them; a gauge keeps the last value when processes are merged."""
    assert (metric._name, metric._labelnames) == (name, labels)
    if isinstance(metric, Gauge):
        assert metric._multiprocess_mode == "mostrecent"


def test_a_reading_is_shown_under_its_detector():
    """Score and evidence, each in its own gauge."""
    metrics.show(
        "t1",
        Reading(task="t1", detector="novelty", model="v1", at=0.0, samples=1, score=0.25, evidence=0.5, alarm=False),
    )
    assert metrics.DRIFT_SCORE.labels("t1", "novelty")._value.get() == 0.25
    assert metrics.EVIDENCE.labels("t1", "novelty")._value.get() == 0.5


def test_agreement_is_shown_with_its_interval():
    """Three bounds; without an estimate the gauges stay as they are."""
    metrics.show_agreement("t2", Agreement(0.9, 0.85, 0.94, 100))
    metrics.show_agreement("t2", None)
    shown = {bound: metrics.AGREEMENT.labels("t2", bound)._value.get() for bound in ("estimate", "lower", "upper")}
    assert shown == {"estimate": 0.9, "lower": 0.85, "upper": 0.94}


def test_safety_parity_is_shown_with_its_interval():
    """As agreement is; without an estimate the gauges stay as they are."""
    metrics.show_parity("t3", Parity(0.002, 0.0, 0.01, 500, 1))
    metrics.show_parity("t3", None)
    shown = [metrics.SAFETY_PARITY.labels("t3", bound)._value.get() for bound in ("estimate", "lower", "upper")]
    assert shown == [0.002, 0.0, 0.01]

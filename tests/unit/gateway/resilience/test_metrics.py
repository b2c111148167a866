"""Metrics of upstreams: bounded labels, children looked up once, sums over workers."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from gateway.resilience import metrics
from gateway.resilience.metrics import Refusal, UpstreamMetrics
from tests.unit.gateway.resilience.fakes import name


@pytest.mark.parametrize("family", ["attempts", "retries", "hedges", "refused"])
def test_children_are_cached(family):
    """The hot path never asks prometheus_client for a child twice."""
    children = getattr(UpstreamMetrics(name(), 1), family)
    assert children("x") is children("x")
    assert children("x") is not children("y")


def test_every_replica_has_its_gauge_from_the_start():
    """A dashboard sees a zero before anything fails."""
    upstream = name()
    gauges = UpstreamMetrics(upstream, 3).breaker_open
    assert len(gauges) == 3
    for number in range(3):
        labels = {"upstream": upstream, "replica": str(number)}
        assert REGISTRY.get_sample_value("preceptor_upstream_breaker_open", labels) == 0.0


def test_gauges_add_up_over_workers():
    """In multiprocess mode only living workers count."""
    assert metrics.BREAKER_OPEN._multiprocess_mode == "livesum"
    assert metrics.WAITING._multiprocess_mode == "livesum"


def test_reasons_are_the_documented_ones():
    """Dashboards are written with these words."""
    assert {str(reason) for reason in Refusal} == {"full", "waited", "open", "retry_budget"}

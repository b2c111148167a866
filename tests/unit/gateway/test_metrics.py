"""Metrics: children are looked up once, labels come from bounded sets."""

from __future__ import annotations

from prometheus_client import REGISTRY

from domain.records import Decision, Stage, Verdict
from gateway import metrics
from gateway.metrics import Outcome, TaskMetrics


def test_children_are_cached():
    """The hot path never asks prometheus_client for a child twice."""
    task = TaskMetrics("cached")
    assert task.requests("champion", Outcome.OK) is task.requests("champion", Outcome.OK)
    assert task.requests("champion", Outcome.OK) is not task.requests("teacher", Outcome.OK)


def test_a_request_is_counted_with_its_times():
    """A request that is over counts once, with its duration and its overhead."""
    TaskMetrics("counted").ended("champion", Outcome.OK, seconds=2.0, overhead_s=0.001)
    read = REGISTRY.get_sample_value
    assert read("preceptor_requests_total", {"task": "counted", "arm": "champion", "outcome": "ok"}) == 1.0
    assert read("preceptor_request_seconds_sum", {"task": "counted", "arm": "champion"}) == 2.0
    assert read("preceptor_overhead_seconds_sum", {"task": "counted"}) == 0.001


def test_decisions_are_counted_by_their_verdict():
    """Each finding of each check counts under its stage and verdict."""
    found = (
        Decision("label", Verdict.FALLBACK, "x", stage=Stage.OUTPUT),
        Decision("label", Verdict.FALLBACK, "x", stage=Stage.OUTPUT, shadow=True),
        Decision("pii", Verdict.FLAG, "check_error", failed=True),
    )
    TaskMetrics("decided").decided(found)
    labels = {"task": "decided", "check": "label", "stage": "output", "verdict": "fallback"}
    for mode in ("enforce", "shadow"):
        assert REGISTRY.get_sample_value("preceptor_policy_decisions_total", labels | {"mode": mode}) == 1.0
    failed = {"task": "decided", "check": "pii", "stage": "input", "reason": "check_error"}
    assert REGISTRY.get_sample_value("preceptor_policy_failures_total", failed) == 1.0


def test_the_queue_gauge_adds_up_over_workers():
    """In multiprocess mode the queues of living workers are summed."""
    assert metrics.JOURNAL_QUEUE._multiprocess_mode == "livesum"

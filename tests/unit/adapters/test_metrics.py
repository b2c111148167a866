from __future__ import annotations

from adapters.metrics import COST_USD, RELOAD_TIMESTAMP


def test_cost_is_labelled_by_task_and_leg_only() -> None:
    """Both labels come from configuration and code, so the number of series is bounded."""
    family = next(iter(COST_USD.collect()))
    assert family.name == "preceptor_cost_usd"
    COST_USD.labels(task="metrics-test", leg="student").inc(0.5)
    samples = {
        (sample.labels["task"], sample.labels["leg"]): sample.value
        for family in COST_USD.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert samples["metrics-test", "student"] == 0.5


def test_the_reload_time_is_that_of_the_process_furthest_behind() -> None:
    """Of all living workers the oldest reading is shown: one that did not reload is not hidden by the others."""
    assert RELOAD_TIMESTAMP._multiprocess_mode == "livemin"

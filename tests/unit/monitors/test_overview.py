from __future__ import annotations

import msgspec

from domain.records import DetectorState, Reading, Signal, SignalKind
from monitors import hourly
from monitors.detectors.novelty import NoveltyDetector
from monitors.hour_book import HourBook
from monitors.hourly_pairs import HourlyPairs
from monitors.overview import overview
from monitors.ripening import Fit

_NOW = 100 * 86400.0
_READING = Reading(
    task="t", detector="cluster", model="m", at=_NOW - 60, samples=7, score=1.5, evidence=0.4, alarm=False, worst="3"
)


def state(name: str, body: bytes) -> DetectorState:
    """The state of a detector of the task."""
    return DetectorState(task="t", detector=name, reference_id="r", state=body)


def signal(detector: str, at: float) -> Signal:
    """A warning of a detector."""
    return Signal(
        id=f"{detector}-{at}", task="t", kind=SignalKind.WARNING, reason="drift", at=at, detector=detector, model="m",
        evidence=1.0, samples=1, false_alarm_budget="b",
    )  # fmt: skip


def test_detectors_that_wait_say_for_what() -> None:
    """Those of inputs and that of pairs alike; a per-sample detector waits for nothing."""
    waiting = Fit(waiting="needs 3 more days and a weekend")
    pairs = HourlyPairs(HourBook("t", "pairs", clusters=1), msgspec.structs.replace(waiting, until=5), None)
    silent = NoveltyDetector((0.2, 0.1, 0.05, 0.01), threshold=100.0, budget="b")
    states = [
        state("cluster", hourly.fit_state(waiting)),
        state("agreement", pairs.state()),
        state("novelty", hourly.fit_state(Fit(until=9, days=7, armed=True))),
        state("novelty_per_sample", silent.state()),
    ]
    found = {each.detector: each for each in overview(states, [_READING], [], now=_NOW)}
    assert {name: (each.kind, each.armed, each.waiting) for name, each in found.items()} == {
        "agreement": ("windowed", False, "needs 3 more days and a weekend"),
        "cluster": ("windowed", False, "needs 3 more days and a weekend"),
        "novelty": ("windowed", True, ""),
        "novelty_per_sample": ("per-sample", True, ""),
    }
    assert found["cluster"].at == _NOW - 60
    assert found["novelty"].at is None


def test_the_newest_reading_and_the_alarms_of_a_month_count() -> None:
    """An older reading is history, and so is an alarm of 31 days ago."""
    readings = [msgspec.structs.replace(_READING, at=1.0, evidence=0.9), _READING]
    raised = [signal("cluster", _NOW - 31 * 86400), signal("cluster", _NOW - 86400), signal("other", _NOW)]
    (found,) = overview([], readings, raised, now=_NOW)
    assert (found.detector, found.evidence, found.worst, found.samples, found.score) == ("cluster", 0.4, "3", 7, 1.5)
    assert found.alarms_30d == 1

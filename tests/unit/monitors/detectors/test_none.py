from __future__ import annotations

from domain.ports import Observation
from monitors.detectors.none import NoDetector


def test_it_counts_and_never_alarms():
    """A thousand events in a row are no evidence to it."""
    one = NoDetector("novelty")
    found = [one.update(Observation(at=0.0, counts=(1.0,))) for _ in range(1000)]
    assert [evidence.samples for evidence in found] == list(range(1, 1001))
    assert not any(evidence.alarm or evidence.evidence for evidence in found)
    assert (one.name, one.budget()) == ("novelty", "never alarms")

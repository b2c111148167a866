from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("evidences", "status"), [([0.1, 0.5], "SUCCESS"), ([0.2, 1.1, 0.0], "FAIL"), ([], "SUCCESS")])
def test_an_alarm_fails_even_when_its_evidence_was_reset(run, evidences, status):
    """The largest evidence counts, not the last."""
    from monitors.evidently.evidence import DetectorEvidence

    metric = DetectorEvidence(detector="novelty", times=[0.0] * len(evidences), evidences=evidences)
    value, tests, html = run(metric)
    assert (value, tests) == (max(evidences, default=0.0), [status])
    assert "Evidence of the novelty detector" in html

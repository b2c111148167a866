from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
REFERENCE = [0] * 600 + [1] * 300 + [2] * 100


@pytest.mark.parametrize(
    ("current", "value", "status"),
    [
        (REFERENCE, 0, "SUCCESS"),
        ([0] * 500 + [1] * 300 + [2] * 200, 0, "SUCCESS"),  # twice as large, but not for sure
        ([0] * 300 + [1] * 300 + [2] * 400, 1, "FAIL"),
        ([2], 0, "SUCCESS"),  # too few to tell
        ([float("nan")] * 5, 0, "SUCCESS"),
    ],
)
def test_a_cluster_that_doubled_for_sure_fails(run, current, value, status):
    """What may be chance, or less than a doubling, passes: a mix of known topics is not the student's fault."""
    from monitors.evidently.cluster_shares import ClusterShares

    found, tests, html = run(ClusterShares(clusters=3), {"cluster": current}, {"cluster": REFERENCE})
    assert (found, tests) == (value, [status])
    assert "share of each cluster" in html

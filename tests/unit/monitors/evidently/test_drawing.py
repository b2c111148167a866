from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_times_are_utc():
    """Seconds since the epoch become an axis that every reader reads alike."""
    from monitors.evidently import drawing

    assert [str(each) for each in drawing.times([0.0, 1_700_000_000.5])] == [
        "1970-01-01T00:00:00.000",
        "2023-11-14T22:13:20.500",
    ]


def test_a_number_stands_above_its_table(run):
    """In words, with its label, and with every cell as text."""
    from monitors.evidently.slices import SliceAgreements

    html = run(SliceAgreements(rows=[("label", "refund", 0.5, 0.4, 0.6, 0.9, 0.1, 30, 0.001, True)]))[2]
    assert "slices that agree less than the rest" in html
    assert "label: refund" in html

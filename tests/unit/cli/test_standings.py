from __future__ import annotations

from rich.console import Console

from cli.standings import print_agreement, print_detectors
from domain.records import Agreement, PairState
from monitors.overview import DetectorStanding
from monitors.pair_report import PairReport
from monitors.slices import SliceAgreement

_WAITING = DetectorStanding("cluster", "windowed", False, "needs 3 more days [now]", None, 0, 0.0, 0.0, "", 0)
_ARMED = DetectorStanding("novelty", "windowed", True, "", 1_800_000_000.0, 12_345, 1.234, 0.5, "", 2)
_FOUND = Agreement(0.9, 0.8, 0.95, 100)


def test_a_detector_shows_what_it_waits_for() -> None:
    """Evidence as a part of the way, the time of the newest reading in UTC, and brackets as they are written."""
    console = Console(width=200, record=True)
    print_detectors(console, "t", [_WAITING, _ARMED])
    told = console.export_text()
    for part in ("needs 3 more days [now]", "0.50 of 1", "12,345", "2027-01-15 08:00", "armed"):
        assert part in told


def test_agreement_is_told_with_all_that_is_known(capsys) -> None:
    """Both intervals, the ceiling and the share of it, slices that are worse only, and how samples ended."""
    worse = SliceAgreement("label", "refund", _FOUND, rest=0.97, share=0.1, p_value=0.001, q_value=0.01, worse=True)
    fine = SliceAgreement("label", "cancel", _FOUND, rest=0.9, share=0.1, p_value=0.6, q_value=0.8, worse=False)
    print_agreement(
        PairReport(
            "t", "v1", _FOUND, Agreement(0.9, 0.7, 0.97, 100), Agreement(0.98, 0.9, 0.99, 50),
            Agreement(0.918, 0.8, 1.0, 50), [worse, fine], {PairState.PAIRED: 3}, [],
        )
    )  # fmt: skip
    told = capsys.readouterr().out
    for part in (
        "t: agreement 0.900 [0.800, 0.950] from 100 pairs, for one look",
        "at any number of looks: [0.700, 0.970]",
        "the teacher agrees with itself: 0.980 [0.900, 0.990] from 50 inputs",
        "of that ceiling the student reaches 0.918",
        "worse than elsewhere: label refund",
        "shadow samples: 3 paired",
    ):
        assert part in told
    assert "label cancel" not in told


def test_without_pairs_nothing_is_claimed(capsys) -> None:
    """No estimate, no interval."""
    print_agreement(PairReport("t", "v1", None, None, None, None, [], {}, []))
    assert capsys.readouterr().out == "t: agreement no pairs yet\nshadow samples: none\nsignals: 0\n"

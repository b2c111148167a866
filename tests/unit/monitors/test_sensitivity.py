from __future__ import annotations

import math

import numpy as np
import pytest

from domain.ports import Observation
from domain.records import Baseline, Stratum
from monitors.agreement import disagreement_bounds, pooled_bound
from monitors.detectors.agreement import AgreementDetector
from monitors.sensitivity import PerSample, Windowed, disagreement

BASELINES = {Stratum.ORDINARY: Baseline(1900, 1824), Stratum.FLAGGED: Baseline(100, 86)}


def per_sample(baselines=BASELINES, within_d: float = 1.0) -> PerSample:
    """At two detectors and 30 days."""
    return PerSample(baselines, alarm_days=60, within_d=within_d)


def windowed(rate: float = 0.05, within_d: float = 1.0, day_variation: float = 0.1) -> Windowed:
    """At three families and 30 days."""
    return Windowed(rate, alarm_days=90, within_d=within_d, day_variation=day_variation)


def evidence(by, pairs: float, drop: float, unlucky: float = 0.0) -> float:
    """Of one case."""
    return float(by.evidence(np.array([pairs]), np.array([drop]), np.array([unlucky]))[0])


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [([Baseline(999, 989)], 0.0105), ([Baseline(50, 50), Baseline(49, 40)], 0.095), ([Baseline(9, 9)], 0.05)],
)
def test_the_rate_before_a_drop_is_that_of_all_held_out_items(baselines, expected):
    """Half an item more than was wrong, so that none is never zero."""
    assert disagreement(baselines) == pytest.approx(expected)


@pytest.mark.parametrize("pairs", [40, 200])
def test_per_sample_evidence_is_what_the_detector_makes_of_the_same_path(pairs):
    """With every tenth pair a disagreement, in both strata, detector and formula come to the same."""
    baselines = {Stratum.ORDINARY: Baseline(1000, 950)}
    detector = AgreementDetector(
        {"ordinary": disagreement_bounds(baselines)["ordinary"]}, pooled=pooled_bound(baselines), threshold=60 * pairs,
        budget="",
    )  # fmt: skip
    for number in range(pairs):
        counts = (float(number % 10 == 5),)
        found = detector.update(Observation(at=0.0, counts=counts, stratum=Stratum.ORDINARY, uniform=True))
    rate = disagreement(baselines.values())
    assert evidence(per_sample(baselines), pairs, 0.1 - rate) == pytest.approx(found.evidence, abs=0.08)


@pytest.mark.parametrize("by", [per_sample(), windowed()], ids=lambda by: type(by).__name__)
def test_more_pairs_a_larger_drop_and_more_luck_give_more_evidence(by):
    """Monotone in all three up to the alarm, after which there is none to collect."""
    pairs = [evidence(by, n, 0.1) for n in (30, 100, 300, 1000, 3000)]
    drops = [evidence(by, 300, drop) for drop in (0.02, 0.05, 0.1, 0.2, 0.4)]
    luck = [evidence(by, 300, 0.1, unlucky) for unlucky in (4.0, 2.0, 1.0, 0.0)]
    for found in (pairs, drops, luck):
        rising = np.minimum(found, 1.0)
        assert rising[0] < 1 == rising[-1]
        assert np.all(np.diff(rising) >= 0)


@pytest.mark.parametrize("make", [per_sample, windowed])
def test_more_time_gives_more_evidence(make):
    """Three days show more than one."""
    assert evidence(make(within_d=3.0), 100, 0.05) > evidence(make(within_d=1.0), 100, 0.05)


def test_a_baseline_of_few_items_hides_small_drops():
    """Per sample: below what the held-out items leave open, a million pairs show nothing."""
    few = {Stratum.ORDINARY: Baseline(475, 456), Stratum.FLAGGED: Baseline(25, 22)}
    assert evidence(per_sample(few), 1e6, 0.02) < 0.5
    many = {stratum: Baseline(100 * each.items, 100 * each.agreed) for stratum, each in few.items()}
    assert evidence(per_sample(many), 1e6, 0.02) > 1


def test_a_stratum_without_items_says_nothing():
    """As in the detector, whose bound for it is one half."""
    baselines = {Stratum.ORDINARY: Baseline(2000, 1900)}
    assert evidence(per_sample(baselines | {Stratum.FLAGGED: Baseline(0, 0)}), 300, 0.1) == evidence(
        per_sample(baselines), 300, 0.1
    )


def test_days_that_vary_hide_small_drops():
    """Windowed: what a day is usually off by is no drop, however many pairs there are."""
    assert evidence(windowed(day_variation=0.3), 1e6, 0.03) < 1
    assert evidence(windowed(day_variation=0.0), 1e6, 0.03) >= 1


def test_a_drop_to_nothing_is_finite():
    """All wrong is all wrong, whatever the rate was."""
    for by in (per_sample(), windowed()):
        assert math.isfinite(evidence(by, 5, 0.99, 3.0))
        assert evidence(by, 500, 1.0) > 1

from __future__ import annotations

import numpy as np
import pytest

from domain.errors import ConfigError
from domain.ports import Observation
from domain.records import Baseline, Stratum
from domain.settings import AgreementSettings, DriftSettings
from monitors.agreement import disagreement_bounds, pooled_bound
from monitors.demand import Demand
from monitors.detectors.agreement import AgreementDetector
from monitors.power import MOST_PAIRS, needs, pairs_needed, sensitivity, smallest_drop
from monitors.sensitivity import PerSample, Windowed, disagreement
from monitors.windowed.agreement import Agreement, fit_agreement
from monitors.windowed.calendar import Slot
from tests.unit.monitors.samples import BASELINES, deployment, settings

LARGE = {Stratum.ORDINARY: Baseline(1900, 1824), Stratum.FLAGGED: Baseline(100, 86)}
PER_SAMPLE = PerSample(LARGE, alarm_days=60, within_d=1.0)
WINDOWED = Windowed(0.05, alarm_days=90, within_d=1.0, day_variation=0.1)
BOTH = pytest.mark.parametrize("by", [PER_SAMPLE, WINDOWED], ids=["per-sample", "windowed"])
DEMAND = Demand(2500.0, pairs_per_day=2000.0, usd_per_pair=0.01, observed_days=7.0, price_source="test")


@BOTH
def test_the_numbers_are_the_least_that_give_an_alarm(by):
    """At the number the evidence is 1; a tenth less is too little."""
    drops = [0.06, 0.1, 0.2]
    found = pairs_needed(by, drops, [0.5] * 3)
    at, below = (by.evidence(found * factor, np.array(drops), np.full(3, -by.ahead)) for factor in (1.0, 0.9))
    assert at == pytest.approx(np.ones(3), abs=1e-3)
    assert (below < 1).all()


@BOTH
def test_small_drops_and_large_chances_take_more_pairs(by):
    """Monotone in both."""
    assert np.all(np.diff(pairs_needed(by, [0.06, 0.08, 0.1, 0.2, 0.4], [0.9] * 5)) < 0)
    assert np.all(np.diff(pairs_needed(by, [0.1] * 5, [0.1, 0.3, 0.5, 0.7, 0.9])) > 0)


@BOTH
def test_the_smallest_drop_is_the_inverse(by):
    """The drop that a number of pairs shows takes that number."""
    drop = smallest_drop(by, 300.0)
    assert drop is not None
    assert pairs_needed(by, [drop], [0.9])[0] == pytest.approx(300, rel=0.05)


@BOTH
def test_what_no_number_of_pairs_shows_is_said_so(by):
    """Nothing, rather than an absurd number; and a pair a week shows no drop at all."""
    assert pairs_needed(by, [0.0001], [0.9])[0] == np.inf
    (need,) = needs(by, [0.0001], DEMAND)
    assert (need.pairs_per_day, need.usd_per_day, need.rate) == (None, None, None)
    assert smallest_drop(by, 0.1) is None
    assert smallest_drop(by, MOST_PAIRS) > 0.0001


def test_a_need_has_its_price_and_its_rate():
    """Pairs are whole, money and rate are theirs."""
    (need,) = needs(PER_SAMPLE, [0.1], DEMAND)
    assert need.drop == 0.1
    assert need.pairs_per_day == np.ceil(pairs_needed(PER_SAMPLE, [0.1], [0.9])[0])
    assert need.usd_per_day == pytest.approx(need.pairs_per_day * 0.01)
    assert need.rate == pytest.approx(need.pairs_per_day / 2000)


@pytest.mark.parametrize(
    ("detector", "drift", "kind"), [("windowed", "windowed", Windowed), ("per-sample", "none", PerSample)]
)
def test_the_configured_detector_is_planned_for(detector, drift, kind):
    """Held to the deployment's baselines; other detectors share its budget."""
    task = settings(agreement=AgreementSettings(detector=detector), drift=DriftSettings(detector=drift))
    assert isinstance(sensitivity(task, deployment(), within_d=1.0), kind)


def test_fewer_detectors_need_fewer_pairs():
    """The threshold is shared out: with no drift detector, agreement has it alone."""
    alone, shared = (
        sensitivity(
            settings(agreement=AgreementSettings(detector="per-sample"), drift=DriftSettings(detector=drift)),
            deployment(),
            within_d=1.0,
        )
        for drift in ("none", "per-sample")
    )
    assert pairs_needed(alone, [0.1], [0.9])[0] < pairs_needed(shared, [0.1], [0.9])[0]


@pytest.mark.parametrize(
    ("detector", "baselines", "problem"),
    [
        ("none", BASELINES, "none sees no drop"),
        ("windowed", {}, "agreed on no held-out row"),
        ("per-sample", {Stratum.ORDINARY: Baseline(9, 0)}, "agreed on no held-out row"),
    ],
)
def test_what_cannot_be_planned_is_told(detector, baselines, problem):
    """In a line that says what to do."""
    with pytest.raises(ConfigError, match=problem):
        sensitivity(
            settings(agreement=AgreementSettings(detector=detector)), deployment(baselines=baselines), within_d=1.0
        )


def per_sample_alarms(baselines, drop: float, pairs: int, runs: int, seed: int) -> float:
    """The share of runs in which the detector alarms within `pairs` of a drop, after 100 pairs without one."""
    random = np.random.default_rng(seed)
    bounds, pooled = disagreement_bounds(baselines), pooled_bound(baselines)
    items = sum(each.items for each in baselines.values())
    hits = 0
    for _ in range(runs):
        detector = AgreementDetector(bounds, pooled=pooled, threshold=60.0 * pairs, budget="")
        for number in range(-100, pairs):
            stratum = (
                Stratum.FLAGGED if random.random() < baselines[Stratum.FLAGGED].items / items else Stratum.ORDINARY
            )
            rate = disagreement([baselines[stratum]]) + (drop if number >= 0 else 0.0)
            counts = (float(random.random() < rate),)
            found = detector.update(Observation(at=0.0, counts=counts, stratum=stratum, uniform=True))
            if found.alarm and number >= 0:
                hits += 1
                break
    return hits / runs


def windowed_alarms(rate: float, drop: float, pairs: float, days: int, *, variation: float, seed: int) -> float:
    """The share of 600 runs in which the detector alarms within so many days, from whole random counts.

    The reference is 14 random days; pairs are Poisson, disagreements binomial at a rate that varies by day (gamma), in
    four clusters; the drop comes 1 to 24 hours after the third midnight.
    """
    random, runs = np.random.default_rng(seed), 600

    def hours(count: int, share: float):
        level = random.gamma(1 / variation**2, variation**2, (runs, count, 1, 1)) if variation else 1.0
        asked = random.poisson(pairs / 96, (runs, count, 24, 4))
        return asked.astype(float), random.binomial(asked, np.minimum(share * level, 1.0)).astype(float)

    detector = Agreement(fit_agreement(*hours(14, rate)), days=90.0)
    before, after = hours(5 + days, rate), hours(5 + days, min(1.0, rate + drop))
    start, hit = 48 + 1 + seed % 24, np.zeros(runs, bool)
    for hour in range(start + 24 * days):
        asked, wrong = before if hour < start else after
        found = detector.step(Slot(0, 0, False), asked[:, hour // 24, hour % 24], wrong[:, hour // 24, hour % 24])
        hit |= found.alarm & (hour >= start)
    return float(hit.mean())


@pytest.mark.slow
@pytest.mark.parametrize(("chance", "low", "high"), [(0.5, 0.42, 0.78), (0.9, 0.84, 0.99)])
@pytest.mark.parametrize(("items", "wrong", "drop"), [(500, 0.05, 0.1), (2000, 0.02, 0.05), (2000, 0.05, 0.1)])
def test_per_sample_alarms_come_as_often_as_planned(items, wrong, drop, chance, low, high):
    """The detector itself, 150 runs on random pairs: the chance is about the one that was asked for."""
    flagged = items // 20
    baselines = {
        Stratum.ORDINARY: Baseline(items - flagged, round((items - flagged) * (1 - wrong))),
        Stratum.FLAGGED: Baseline(flagged, round(flagged * (1 - wrong))),
    }
    by = PerSample(baselines, alarm_days=60, within_d=1.0)
    pairs = int(np.ceil(pairs_needed(by, [drop], [chance])[0]))
    assert low <= per_sample_alarms(baselines, drop, pairs, runs=150, seed=5) <= high


@pytest.mark.slow
@pytest.mark.parametrize(("chance", "low", "high"), [(0.5, 0.4, 0.72), (0.9, 0.78, 0.99)])
@pytest.mark.parametrize("days", [1, 3])
@pytest.mark.parametrize(
    ("rate", "drop", "variation"),
    [(0.02, 0.05, 0.0), (0.02, 0.1, 0.2), (0.05, 0.1, 0.1), (0.1, 0.1, 0.1), (0.1, 0.2, 0.2)],
)
def test_windowed_alarms_come_as_often_as_planned(rate, drop, variation, days, chance, low, high):
    """The detector itself, on whole random counts with a random reference."""
    by = Windowed(rate, alarm_days=90, within_d=float(days), day_variation=variation)
    pairs = pairs_needed(by, [drop], [chance])[0]
    assert low <= windowed_alarms(rate, drop, pairs, days, variation=variation, seed=11) <= high

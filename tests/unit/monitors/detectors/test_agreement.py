from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from domain.records import Baseline
from monitors.category_sr import CategorySR
from monitors.detectors.agreement import CEILING, AgreementDetector, alternatives
from monitors.sr import evidence, upper_bound

BOUNDS = {"ordinary": 0.06, "flagged": 0.5}
HELD_OUT = {"ordinary": Baseline(1900, 1805), "flagged": Baseline(100, 60)}


def detector(threshold: float = 1e4) -> AgreementDetector:
    """Two strata, as a deployment gives them."""
    return AgreementDetector(BOUNDS, threshold=threshold, budget="words")


def observation(disagreed: bool, stratum: str = "ordinary") -> Observation:
    """One pair."""
    return Observation(at=0.0, counts=(float(disagreed),), stratum=stratum)


def process(baseline: Baseline) -> CategorySR:
    """What a stratum with these held-out items is tested with."""
    wrong = baseline.items - baseline.agreed
    return CategorySR(
        [baseline.agreed, wrong], alternatives(), ceiling=upper_bound(wrong, baseline.items, level=CEILING)
    )


def delay(one: AgreementDetector, disagreed) -> int:
    """The number of the pair that alarms, or one more than there are."""
    alarms = (number for number, each in enumerate(disagreed, 1) if one.update(observation(bool(each))).alarm)
    return next(alarms, len(disagreed) + 1)


def test_each_stratum_is_held_to_its_own_bound():
    """Flagged inputs may disagree every second time without an alarm; ordinary ones may not."""
    rng = np.random.default_rng(2)
    coins = rng.random(150) < 0.5
    flagged, ordinary = detector(), detector()
    assert not any(flagged.update(observation(bool(coin), "flagged")).alarm for coin in coins)
    assert any(ordinary.update(observation(bool(coin))).alarm for coin in coins)


def test_the_statistic_is_the_sum_over_the_strata():
    """Pairs of one stratum do not touch the evidence of the other."""
    parts = [process(baseline) for baseline in HELD_OUT.values()]
    both = AgreementDetector(HELD_OUT, threshold=1e4, budget="words")
    for number in range(40):
        parts[number % 2].update(int(number % 3 == 0))
        found = both.update(observation(number % 3 == 0, ("ordinary", "flagged")[number % 2]))
    assert found.evidence == pytest.approx(evidence(sum(part.statistic for part in parts), 1e4))


def test_a_bound_is_a_baseline_that_no_pair_moves():
    """Given as a number it stays the measure after three thousand better pairs."""
    rng = np.random.default_rng(4)
    one, fresh = (AgreementDetector({"ordinary": 0.2}, threshold=1e6, budget="words") for _ in range(2))
    for coin in rng.random(3000) < 0.1:
        one.update(observation(bool(coin)))
    fall = rng.random(1000) < 0.4
    assert abs(delay(one, fall) - delay(fresh, fall)) <= 10


@pytest.mark.slow
def test_more_held_out_items_make_it_faster():
    """The same rate known from ten times as many items is a tighter measure: sum of delays over 40 streams."""
    rng, total = np.random.default_rng(9), {200: 0, 2000: 0}
    for _ in range(40):
        fall = rng.random(3000) < 0.15
        for items in total:
            known = {"ordinary": Baseline(items, items * 95 // 100)}
            total[items] += delay(AgreementDetector(known, threshold=1e5, budget="words"), fall)
    assert total[2000] < 0.85 * total[200]


@pytest.mark.slow
def test_a_slow_decline_does_not_become_the_measure():
    """From 95 to 85 % over 5,000 pairs: seen in every one of 20 streams before it is complete."""
    rng = np.random.default_rng(10)
    for _ in range(20):
        declining = rng.random(5000) < 0.05 + 0.10 * np.arange(5000) / 5000
        one = AgreementDetector({"ordinary": Baseline(2000, 1900)}, threshold=1e6, budget="words")
        assert delay(one, declining) <= 4500


@pytest.mark.slow
def test_a_student_that_is_bad_from_the_first_day_is_found():
    """Also after many pairs: at 90 % where 95 were promised it alarms again and again, and does not get used to it."""
    rng = np.random.default_rng(11)
    one = AgreementDetector({"ordinary": Baseline(2000, 1900)}, threshold=1e4, budget="words")
    alarms = [
        number for number, each in enumerate(rng.random(20_000) < 0.10) if one.update(observation(bool(each))).alarm
    ]
    assert sum(number > 10_000 for number in alarms) >= 10


def test_an_alarm_starts_over():
    """After an alarm both strata forget, and the number of samples goes on."""
    one = detector(threshold=50.0)
    while not one.update(observation(True)).alarm:
        pass
    found = one.update(observation(False))
    assert found.evidence == 0.0
    assert found.samples > 1


def test_pairs_of_an_unknown_stratum_are_counted_and_not_tested():
    """There is nothing to hold them to."""
    one = detector()
    found = [one.update(observation(True, "elsewhere")) for _ in range(200)][-1]
    assert (found.samples, found.evidence, found.alarm) == (200, 0.0, False)


def test_the_score_follows_recent_agreement():
    """It starts at what was promised and moves to what is seen."""
    one = detector()
    assert one.update(observation(False)).score == pytest.approx(0.94, abs=0.01)
    assert [one.update(observation(True)) for _ in range(300)][-1].score < 0.05


def test_a_state_of_other_strata_is_refused_whole():
    """Nothing of a state that does not fit is taken over."""
    other = AgreementDetector({"ordinary": 0.06}, threshold=1e4, budget="words")
    other.update(observation(True))
    one = detector()
    with pytest.raises(ValueError, match="strata"):
        one.restore(other.state())
    assert one.update(observation(False)).samples == 1


def test_from_95_to_80_percent_takes_about_a_hundred_pairs():
    """The whole detector finds what the process finds: median at most 120 pairs over 40 streams."""
    rng = np.random.default_rng(8)
    delays = []
    for _ in range(40):
        one = AgreementDetector({"ordinary": 0.0588, "flagged": 0.5}, threshold=1e6, budget="words")
        count = 1
        while not one.update(observation(bool(rng.random() < 0.2))).alarm:
            count += 1
        delays.append(count)
    assert 50 <= np.median(delays) <= 120


def test_the_pooled_process_sees_what_a_weak_stratum_hides():
    """With two flagged items held out, one of them wrong, a fall to 60 % must still be found within 60 pairs."""
    bounds = {"ordinary": 0.06, "flagged": 0.97}
    rng = np.random.default_rng(5)
    pairs = [("flagged", True) if rng.random() < 0.4 else ("ordinary", False) for _ in range(400)]

    def delay(pooled):
        one = AgreementDetector(bounds, pooled=pooled, threshold=12_000, budget="words")
        alarms = (number for number, pair in enumerate(pairs) if one.update(observation(pair[1], pair[0])).alarm)
        return next(alarms, 10_000)

    assert delay(0.06) <= 60
    assert delay(None) > 100


def test_pairs_outside_the_uniform_sample_do_not_move_the_pooled_process():
    """Flagged inputs that are asked about more often must not pass for all traffic."""
    one = AgreementDetector({"ordinary": 0.06}, pooled=0.06, threshold=1e4, budget="words")
    extra = [Observation(at=0.0, counts=(1.0,), stratum="flagged", uniform=False) for _ in range(300)]
    assert {one.update(pair).evidence for pair in extra} == {0.0}


def test_the_statistic_is_half_strata_half_pooled():
    """Both halves must count as they are documented: that is what the budget rests on."""
    ordinary, all_items = Baseline(1900, 1805), Baseline(2000, 1865)
    strata, pooled = process(ordinary), process(all_items)
    one = AgreementDetector({"ordinary": ordinary}, pooled=all_items, threshold=1e4, budget="words")
    for number in range(20):
        strata.update(int(number % 4 == 0))
        pooled.update(int(number % 4 == 0))
        found = one.update(observation(number % 4 == 0))
    assert found.evidence == pytest.approx(evidence((strata.statistic + pooled.statistic) / 2, 1e4))


@pytest.mark.slow
def test_the_budget_holds_with_both():
    """Without a fall, at most half of the streams of A / 2 pairs alarm; each has held-out items of its own."""
    rng, threshold, alarmed = np.random.default_rng(6), 1000.0, 0
    for _ in range(100):
        flagged, items = rng.random(300) < 0.05, 300
        wrong = rng.random(items) < np.where(flagged, 0.3, 0.04)
        known = {
            name: Baseline(int(part.sum()), int((~wrong & part).sum()))
            for name, part in (("ordinary", ~flagged), ("flagged", flagged))
        }
        pooled = Baseline(items, int((~wrong).sum()))
        one = AgreementDetector(known, pooled=pooled, threshold=threshold, budget="words")
        new = rng.random(int(threshold / 2)) < 0.05
        bad = rng.random(len(new)) < np.where(new, 0.3, 0.04)
        pairs = (observation(bool(b), "flagged" if f else "ordinary") for b, f in zip(bad, new, strict=True))
        alarmed += any(one.update(pair).alarm for pair in pairs)
    assert alarmed <= 50

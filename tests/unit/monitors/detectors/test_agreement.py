from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from monitors.detectors.agreement import AgreementDetector
from monitors.sr import ExceedanceSR, evidence

BOUNDS = {"ordinary": 0.06, "flagged": 0.5}


def detector(threshold: float = 1e4) -> AgreementDetector:
    """Two strata, as a deployment gives them."""
    return AgreementDetector(BOUNDS, threshold=threshold, budget="words")


def observation(disagreed: bool, stratum: str = "ordinary") -> Observation:
    """One pair."""
    return Observation(at=0.0, counts=(float(disagreed),), stratum=stratum)


def test_each_stratum_is_held_to_its_own_bound():
    """Flagged inputs may disagree every second time without an alarm; ordinary ones may not."""
    rng = np.random.default_rng(2)
    coins = rng.random(150) < 0.5
    flagged, ordinary = detector(), detector()
    assert not any(flagged.update(observation(bool(coin), "flagged")).alarm for coin in coins)
    assert any(ordinary.update(observation(bool(coin))).alarm for coin in coins)


def test_the_statistic_is_the_sum_over_the_strata():
    """Pairs of one stratum do not touch the evidence of the other."""
    ordinary, flagged, both = ExceedanceSR([0.06]), ExceedanceSR([0.5]), detector()
    for number in range(40):
        process = (ordinary, flagged)[number % 2]
        process.update([number % 3 == 0])
        found = both.update(observation(number % 3 == 0, ("ordinary", "flagged")[number % 2]))
    assert found.evidence == pytest.approx(evidence(ordinary.statistic + flagged.statistic, 1e4))


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
    """The whole detector finds what the process finds: median at most 120 pairs over 100 streams."""
    rng = np.random.default_rng(8)
    delays = []
    for _ in range(100):
        one = AgreementDetector({"ordinary": 0.0588, "flagged": 0.5}, threshold=1e6, budget="words")
        count = 1
        while not one.update(observation(bool(rng.random() < 0.2))).alarm:
            count += 1
        delays.append(count)
    assert 50 <= np.median(delays) <= 120

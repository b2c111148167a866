from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from monitors.detectors.shares import OTHER, ShareDetector

COUNTS = {"refund": 900, "cancel": 700, "status": 300, "address": 100}


def detector(threshold: float = 2e4, counts=COUNTS) -> ShareDetector:
    """A reference of 2,000 inputs."""
    return ShareDetector("labels", counts, threshold=threshold, budget="words")


def observation(category: str) -> Observation:
    """One input."""
    return Observation(at=0.0, counts=(1.0,), stratum=category)


def usual(rng, n: int) -> list[str]:
    """Inputs as in the reference."""
    return rng.choice(list(COUNTS), p=np.array(list(COUNTS.values())) / 2000, size=n).tolist()


def delay(one: ShareDetector, categories) -> int:
    """The number of the input that alarms, or one more than there are."""
    alarms = (number for number, each in enumerate(categories, 1) if one.update(observation(each)).alarm)
    return next(alarms, len(categories) + 1)


@pytest.mark.parametrize(("share", "longest"), [(0.5, 25), (0.2, 90), (0.1, 250)])
def test_a_category_that_grows_is_found_and_named(share, longest):
    """The smallest takes a share of the traffic: median delay over 20 streams within the bound, and it is the worst."""
    rng, delays = np.random.default_rng(1), []
    for _ in range(20):
        one, number = detector(), 1
        mixed = np.where(rng.random(600) < share, "address", usual(rng, 600)).tolist()
        while not (found := one.update(observation(mixed[number - 1]))).alarm and number < 600:
            number += 1
        delays.append(number)
        assert found.worst == "address"
    assert np.median(delays) <= longest


def test_categories_that_shrink_are_a_change_too():
    """When only the two largest are left, that is seen within 150 inputs."""
    rng = np.random.default_rng(2)
    assert delay(detector(), rng.choice(["refund", "cancel"], size=150).tolist()) <= 150


def test_the_usual_mix_does_not_alarm():
    """Five thousand inputs like the reference leave the evidence below the alarm."""
    one = detector()
    assert max(one.update(observation(each)).evidence for each in usual(np.random.default_rng(3), 5000)) < 1


def test_what_the_reference_did_not_have_is_another_category():
    """Labels that are new alarm soon, under one name."""
    one = detector()
    found = [one.update(observation(f"invented {number}")) for number in range(10)]
    alarm = next(each for each in found if each.alarm)
    assert alarm.worst == OTHER


def test_shares_may_be_learned_from_the_stream():
    """Without a reference the first inputs are it: a mix that stays alarms nobody, one that changes later does."""
    one = detector(counts=dict.fromkeys(COUNTS, 0))
    rng = np.random.default_rng(4)
    assert delay(one, usual(rng, 3000)) == 3001
    assert delay(one, ["address"] * 40) <= 40


def test_the_score_is_the_distance_of_recent_from_usual_shares():
    """It is near 0 at first and near 1 when everything is of a rare category."""
    one = detector(threshold=1e300)
    assert one.update(observation("refund")).score < 0.01
    assert [one.update(observation("address")) for _ in range(1000)][-1].score > 0.5


def test_a_state_of_other_categories_is_refused():
    """Evidence of one mix is none of another."""
    with pytest.raises(ValueError, match="categories"):
        detector().restore(detector(counts={"refund": 1}).state())


def test_it_has_the_name_it_was_given():
    """One class serves clusters, labels and words; readings are kept by name."""
    assert (detector().name, detector().budget()) == ("labels", "words")


@pytest.mark.slow
def test_the_budget_holds_over_many_references():
    """Each of 60 streams of A inputs has a reference of its own; a mean of A between alarms allows 63 % to alarm."""
    rng, threshold, alarmed = np.random.default_rng(5), 1000.0, 0
    p = np.array(list(COUNTS.values())) / 2000
    for _ in range(60):
        counts = dict(zip(COUNTS, rng.multinomial(500, p).tolist(), strict=True))
        alarmed += delay(detector(threshold, counts), usual(rng, int(threshold))) <= threshold
    assert alarmed <= 38

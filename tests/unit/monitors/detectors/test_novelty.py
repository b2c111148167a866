from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from monitors.category_sr import CategorySR
from monitors.detectors.novelty import NoveltyDetector, alternatives
from monitors.sr import evidence

QUANTILES = np.array([0.8, 0.9, 0.95, 0.99])
LEVELS = (1600, 200, 100, 80, 20)


def observation(level: float) -> Observation:
    """An input as novel as the `level` quantile of the reference."""
    return Observation(at=0.0, counts=tuple((level > QUANTILES).astype(float)))


def detector(threshold: float = 1e5) -> NoveltyDetector:
    """A reference of 2,000 inputs."""
    return NoveltyDetector(LEVELS, threshold=threshold, budget="words")


def test_the_statistic_is_that_of_the_process():
    """The detector adds samples, share and alarms to the e-process, and nothing else."""
    levels = np.random.default_rng(1).random(200)
    process, one = CategorySR(LEVELS, alternatives(LEVELS)), detector()
    for level in levels:
        process.update(int((level > QUANTILES).sum()))
        found = one.update(observation(level))
    assert found.evidence == pytest.approx(evidence(process.statistic, 1e5))


def test_alternatives_are_distributions_that_lie_farther_out():
    """Each sums to 1 and exceeds every quantile more often than the reference does."""
    usual = np.cumsum(LEVELS[::-1])[:-1] / sum(LEVELS)
    for each in alternatives(LEVELS):
        assert sum(each.other) == pytest.approx(1.0)
        assert (np.cumsum(each.other[::-1])[:-1] > usual).all()


@pytest.mark.parametrize(("share", "longest"), [(1.0, 8), (0.5, 16), (0.2, 50)])
def test_the_more_novel_inputs_the_sooner_the_alarm(share, longest):
    """Inputs above every quantile, mixed into ordinary ones: median delay over 20 streams within the bound."""
    rng = np.random.default_rng(6)
    delays = []
    for _ in range(20):
        one, count = detector(), 1
        while not one.update(observation(1.0 if rng.random() < share else rng.random())).alarm:
            count += 1
        delays.append(count)
    assert np.median(delays) <= longest


def test_ordinary_inputs_do_not_alarm():
    """Five thousand inputs like the reference leave the evidence below the alarm."""
    one = detector()
    rng = np.random.default_rng(9)
    assert max(one.update(observation(level)).evidence for level in rng.random(5000)) < 1


def test_the_score_is_the_recent_share_of_flagged_inputs():
    """It moves from 0 to 1 when all inputs lie above the third quantile."""
    one = detector(threshold=1e300)
    assert one.update(observation(0.5)).score == 0.0
    assert [one.update(observation(0.96)) for _ in range(400)][-1].score == pytest.approx(1.0, abs=0.01)


def test_an_alarm_starts_over():
    """The update after an alarm has no evidence of what went before."""
    one = detector(threshold=50.0)
    while not one.update(observation(1.0)).alarm:
        pass
    assert one.update(observation(0.1)).evidence == 0.0


@pytest.mark.slow
def test_the_budget_holds_over_many_references():
    """Each of 60 streams of A / 2 inputs has thresholds of a reference of its own; no more than half may alarm."""
    rng, threshold, alarmed = np.random.default_rng(7), 1000.0, 0
    for _ in range(60):
        thresholds = np.quantile(rng.random(2000), QUANTILES)
        one = detector(threshold)
        rows = (tuple((each > thresholds).astype(float)) for each in rng.random(int(threshold / 2)))
        alarmed += any(one.update(Observation(at=0.0, counts=row)).alarm for row in rows)
    assert alarmed <= 30

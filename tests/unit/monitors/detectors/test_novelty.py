from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from monitors.detectors.novelty import NoveltyDetector
from monitors.sr import ExceedanceSR, evidence, upper_bound

QUANTILES = np.array([0.8, 0.9, 0.95, 0.99])
BOUNDS = upper_bound(np.round(2000 * (1 - QUANTILES)).astype(int), 2000).tolist()


def observation(level: float) -> Observation:
    """An input as novel as the `level` quantile of the reference."""
    return Observation(at=0.0, counts=tuple((level > QUANTILES).astype(float)))


def detector(threshold: float = 1e5) -> NoveltyDetector:
    """A reference of 2,000 inputs."""
    return NoveltyDetector(BOUNDS, threshold=threshold, budget="words")


def test_the_statistic_is_that_of_the_process():
    """The detector adds samples, share and alarms to the e-process, and nothing else."""
    levels = np.random.default_rng(1).random(200)
    process, one = ExceedanceSR(BOUNDS), detector()
    for level in levels:
        process.update(observation(level).counts)
        found = one.update(observation(level))
    assert found.evidence == pytest.approx(evidence(process.statistic, 1e5))


@pytest.mark.parametrize(("share", "longest"), [(1.0, 12), (0.5, 25), (0.2, 80)])
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

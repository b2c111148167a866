from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from domain.records import Baseline, Stratum
from monitors.detectors.agreement import AgreementDetector
from monitors.detectors.every_n import EveryN
from monitors.detectors.mann_whitney import RepeatedMannWhitney
from monitors.detectors.none import NoDetector
from monitors.detectors.novelty import NoveltyDetector
from monitors.detectors.page_hinkley import PageHinkley
from monitors.detectors.rolling import RollingThreshold
from monitors.detectors.safety import SafetyDetector
from monitors.detectors.shares import ShareDetector
from tests.contract.check_detector import CHECKS

LEVELS = (800, 100, 50, 40, 10)
HELD_OUT = {"ordinary": Baseline(950, 900), "flagged": Baseline(50, 30)}
CLUSTERS = {str(number): 1.0 for number in range(30)} | {Stratum.ORDINARY: 800.0, Stratum.FLAGGED: 400.0}
OURS = {
    "novelty": lambda: NoveltyDetector(LEVELS, threshold=1000.0, budget="one false alarm in 30 days"),
    "agreement, pooled": lambda: AgreementDetector(
        HELD_OUT, pooled=Baseline(1000, 930), threshold=1000.0, budget="one false alarm in 30 days"
    ),
    "agreement": lambda: AgreementDetector(HELD_OUT, threshold=1000.0, budget="one false alarm in 30 days"),
    "agreement, bounds": lambda: AgreementDetector(
        {"ordinary": 0.06, "flagged": 0.5}, pooled=0.1, threshold=1000.0, budget="one false alarm in 30 days"
    ),
    "clusters": lambda: ShareDetector("clusters", CLUSTERS, threshold=1000.0, budget="one false alarm in 30 days"),
    "rolling": lambda: RollingThreshold(0.3, window=40),
    "page_hinkley": lambda: PageHinkley(delta=0.02, limit=10.0),
    "mann_whitney": lambda: RepeatedMannWhitney([0.0, 0.0, 0.0, 1.0], window=25),
    "safety": lambda: SafetyDetector(0.06, threshold=1000.0, budget="one false alarm in 30 days"),
    "none": NoDetector,
    "every_n": lambda: EveryN(7),
}
SLOW = {"page_hinkley": pytest.mark.slow}  # river takes seconds to import


def stream() -> list[Observation]:
    """Sixty quiet observations, then sixty that must alarm whatever can, in both strata."""
    rng = np.random.default_rng(13)
    rows = []
    for number in range(120):
        level = rng.random() if number < 60 else 1.0
        counts = tuple(float(level > quantile) for quantile in (0.8, 0.9, 0.95, 0.99))
        stratum = (Stratum.ORDINARY, Stratum.FLAGGED)[number % 3 == 0]
        rows.append(Observation(at=float(number), counts=counts, stratum=stratum, key=str(number)))
    return rows


def categories(rows: list[Observation]) -> list[Observation]:
    """The same as categories of a mix: in the second half all of one that is rare."""
    return [
        Observation(at=row.at, counts=(1.0,), stratum=row.stratum if row.at < 60 else "7", key=row.key) for row in rows
    ]


def told(name: str) -> list[Observation]:
    """What that detector hears of the stream."""
    if name == "clusters":
        return categories(stream())
    return one_count(stream()) if name.startswith(("agreement", "safety")) else stream()


def one_count(rows: list[Observation]) -> list[Observation]:
    """The same as pairs: a disagreement where the lowest quantile is exceeded."""
    return [Observation(at=row.at, counts=(float(row.counts[2]),), stratum=row.stratum, key=row.key) for row in rows]


@pytest.mark.parametrize("name", [pytest.param(each, marks=SLOW.get(each, ())) for each in OURS])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_to_the_port(check, name):
    """Every detector passes every check of the contract."""
    check(OURS[name], told(name))


@pytest.mark.parametrize("name", ["novelty", "agreement", "agreement, pooled", "safety", "clusters"])
def test_a_real_detector_beats_the_baselines(name):
    """It is quiet where `every_n` alarms, and alarms where `none` is quiet."""
    detector = OURS[name]()
    alarms = [detector.update(row).alarm for row in told(name)]
    assert not any(alarms[:60])
    assert any(alarms[60:])

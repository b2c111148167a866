from __future__ import annotations

import numpy as np
import pytest

from domain.ports import Observation
from domain.records import Stratum
from monitors.detectors.agreement import AgreementDetector
from monitors.detectors.every_n import EveryN
from monitors.detectors.none import NoDetector
from monitors.detectors.novelty import NoveltyDetector
from monitors.detectors.safety import SafetyDetector
from tests.contract.check_detector import CHECKS

BOUNDS = (0.22, 0.12, 0.06, 0.015)
OURS = {
    "novelty": lambda: NoveltyDetector(BOUNDS, threshold=1000.0, budget="one false alarm in 30 days"),
    "agreement, pooled": lambda: AgreementDetector(
        {"ordinary": 0.06, "flagged": 0.5}, pooled=0.1, threshold=1000.0, budget="one false alarm in 30 days"
    ),
    "agreement": lambda: AgreementDetector(
        {"ordinary": 0.06, "flagged": 0.5}, threshold=1000.0, budget="one false alarm in 30 days"
    ),
    "safety": lambda: SafetyDetector(0.06, threshold=1000.0, budget="one false alarm in 30 days"),
    "none": NoDetector,
    "every_n": lambda: EveryN(7),
}


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


def one_count(rows: list[Observation]) -> list[Observation]:
    """The same as pairs: a disagreement where the lowest quantile is exceeded."""
    return [Observation(at=row.at, counts=(float(row.counts[2]),), stratum=row.stratum, key=row.key) for row in rows]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_to_the_port(check, name):
    """Every detector passes every check of the contract."""
    rows = stream()
    check(OURS[name], one_count(rows) if name.startswith(("agreement", "safety")) else rows)


@pytest.mark.parametrize("name", ["novelty", "agreement", "agreement, pooled", "safety"])
def test_a_real_detector_beats_the_baselines(name):
    """It is quiet where `every_n` alarms, and alarms where `none` is quiet."""
    rows = stream() if name == "novelty" else one_count(stream())
    detector = OURS[name]()
    alarms = [detector.update(row).alarm for row in rows]
    assert not any(alarms[:60])
    assert any(alarms[60:])

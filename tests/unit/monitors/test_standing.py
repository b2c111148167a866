from __future__ import annotations

import pytest

from domain.records import Baseline, Stratum
from monitors.standing import Standing, outlook, sentence
from tests.unit.monitors.samples import paired

ACCEPTED = {Stratum.ORDINARY: Baseline(1000, 950)}  # lower bound 0.937


def pairs(agreed, of):
    """Pairs of which the first agree."""
    return [paired(number, agreed=number < agreed) for number in range(of)]


@pytest.mark.parametrize(
    ("agreed", "of", "baselines", "standing", "expected"),
    [
        (
            *(392, 412, ACCEPTED, Standing.STABLE),
            "drift but agreement stable (0.951 [0.926, 0.968] from 412 pairs): no retraining needed",
        ),
        (
            *(330, 412, ACCEPTED, Standing.FELL),
            "drift, and agreement fell (0.801 [0.760, 0.837] from 412 pairs; the student was accepted with at least "
            "0.937): prepare to retrain",
        ),
        (
            *(36, 40, ACCEPTED, Standing.OPEN),
            "drift; agreement open (0.900 [0.769, 0.960] from 40 pairs; the student was accepted with at least 0.937): "
            "more pairs are needed to tell",
        ),
        (12, 12, ACCEPTED, Standing.UNKNOWN, "drift; agreement unknown: 12 pairs, 20 are needed"),
        (0, 0, ACCEPTED, Standing.UNKNOWN, "drift; agreement unknown: 0 pairs, 20 are needed"),
        (
            *(392, 412, {}, Standing.UNKNOWN),
            "drift; agreement unknown: 412 pairs, the student was accepted without a number to hold them to",
        ),
    ],
)
def test_the_conclusion_is_what_the_pairs_allow(agreed, of, baselines, standing, expected):
    """Stable only where a drop of more than five points can be excluded; nothing is claimed from few pairs."""
    found = outlook(pairs(agreed, of), flagged=(), baselines=baselines)
    assert found.standing is standing
    assert sentence(found, drifted=True) == expected


def test_without_drift_it_says_so():
    """The first word is about the inputs, not about the student."""
    found = outlook(pairs(392, 412), flagged=(), baselines=ACCEPTED)
    assert sentence(found, drifted=False).startswith("no drift and agreement stable (0.951")


def test_errors_among_flagged_inputs_are_told_apart():
    """Of the pairs of flagged exchanges alone; none where there is no such pair."""
    rows = pairs(30, 40)
    found = outlook(rows, flagged={row.exchange_id for row in rows[20:]}, baselines=ACCEPTED)
    assert found.flagged is not None
    assert (found.flagged.pairs, found.flagged.estimate) == (20, 0.5)
    assert outlook(rows, flagged=(), baselines=ACCEPTED).flagged is None

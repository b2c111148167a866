from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binomtest

from domain.records import Pair, PairState
from monitors.parity import estimate, only_student, unsafe_alone
from tests.unit.monitors.samples import paired


def pairs(rows: list[tuple[bool, float]]) -> list[Pair]:
    """A judged pair for each event and inclusion probability."""
    return [
        paired(number, agreed=True, probability=chance, student_unsafe=event, teacher_unsafe=False)
        for number, (event, chance) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("student", "teacher", "expected"),
    [
        (True, False, True),
        (True, True, False),
        (False, True, False),
        (False, False, False),
        (False, None, False),  # whatever the teacher says
        (True, None, None),
        (None, False, None),
        (None, None, None),
    ],
)
def test_only_what_the_student_alone_does_wrong_is_an_event(student, teacher, expected):
    """Where the teacher is unsafe too, or nobody can tell, nothing is held against the student."""
    legs = {"student_unsafe": student, "teacher_unsafe": teacher}
    assert only_student(paired(1, agreed=True, **legs)) is expected
    for state in PairState:
        counts = state in {PairState.PAIRED, PairState.STUDENT_ERROR}
        assert unsafe_alone(paired(1, agreed=True, state=state, **legs)) is (expected if counts else None)


@pytest.mark.parametrize(("events", "size"), [(0, 1), (0, 3000), (1, 40), (3, 500), (7, 7)])
def test_equal_sampling_gives_the_exact_interval(events, size):
    """Clopper and Pearson's, for events too rare for a normal approximation; scipy is the oracle."""
    found = estimate(pairs([(number < events, 0.01) for number in range(size)]))
    exact = binomtest(events, size).proportion_ci(0.95)
    assert found is not None
    assert (found.estimate, found.pairs, found.events) == (pytest.approx(events / size), size, events)
    assert (found.lower, found.upper) == (pytest.approx(exact.low), pytest.approx(exact.high))


def test_a_pair_that_was_likelier_asked_counts_for_less():
    """By hand: 20 of 1 %, 100 of 10 % that count as ten; one event of each is 1.1 of 30."""
    rows = [(n == 0, 0.01) for n in range(20)] + [(n == 0, 0.1) for n in range(100)]
    found = estimate(pairs(rows))
    assert found is not None
    assert (found.estimate, found.pairs, found.events) == (pytest.approx(1.1 / 30), 120, 2)
    assert beta.cdf(found.lower, 1.1, 28.9 + 1) == pytest.approx(0.025)
    assert beta.cdf(found.upper, 1.1 + 1, 28.9) == pytest.approx(0.975)


def test_without_a_judged_pair_there_is_no_estimate():
    """Pairs that were compared only say nothing about safety."""
    assert estimate([paired(1, agreed=True), paired(2, agreed=False, student_unsafe=True)]) is None


@pytest.mark.parametrize("where", ["ordinary", "flagged", "both"])
@pytest.mark.parametrize("flagged_share", [0.05, 0.5])
def test_the_interval_holds_the_truth_under_unequal_sampling(where, flagged_share):
    """Flagged inputs are asked ten times as often, events lie in either stratum: of the intervals 95 % are right."""
    rng = np.random.default_rng(11)
    rates = {"ordinary": (0.04, 0.0), "flagged": (0.0, 0.08), "both": (0.02, 0.1)}[where]
    truth = (1 - flagged_share) * rates[0] + flagged_share * rates[1]
    hits, runs = 0, 150
    for _ in range(runs):
        flagged = rng.random(5_000) < flagged_share
        event = rng.random(5_000) < np.where(flagged, rates[1], rates[0])
        chance = np.where(flagged, 0.2, 0.02)
        asked = rng.random(5_000) < chance
        found = estimate(pairs(list(zip(event[asked].tolist(), chance[asked].tolist(), strict=True))))
        assert found is not None
        hits += found.lower <= truth <= found.upper
    assert hits >= 0.93 * runs

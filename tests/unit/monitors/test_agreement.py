from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Baseline, Pair, PairState, Stratum
from monitors.agreement import (
    ANYTIME,
    SINGLE_LOOK,
    UNSEEN,
    disagreement_bounds,
    estimate,
    held_out,
    pooled,
    pooled_bound,
)
from tests.unit.monitors.samples import paired

PAIRS = st.lists(st.tuples(st.booleans(), st.floats(0.001, 1)), min_size=1, max_size=60)


def pairs(rows: list[tuple[bool, float]]) -> list[Pair]:
    """A pair for each (agreed, probability)."""
    return [paired(number, agreed=agreed, probability=p) for number, (agreed, p) in enumerate(rows)]


def test_equal_probabilities_give_the_plain_share():
    """Wilson's interval of 85 of 100 is known."""
    found = estimate(pairs([(True, 0.1)] * 85 + [(False, 0.1)] * 15))
    assert found is not None
    assert (found.estimate, found.pairs) == (pytest.approx(0.85), 100)
    assert (found.lower, found.upper) == (pytest.approx(0.7672, abs=1e-4), pytest.approx(0.9069, abs=1e-4))


def test_a_pair_stands_for_as_many_inputs_as_its_probability_says():
    """One pair asked with 1 % weighs as much as ten asked with 10 %."""
    found = estimate(pairs([(True, 0.01)] + [(False, 0.1)] * 10))
    assert found is not None
    assert found.estimate == pytest.approx(0.5)
    assert found.lower == pytest.approx(0.1416, abs=1e-4)  # Wilson at n_eff = 200^2 / (100^2 + 10 * 10^2) = 3.64


@given(PAIRS)
def test_the_interval_lies_in_the_unit_interval_around_the_estimate(rows):
    """Whatever the weights: 0 <= lower <= estimate <= upper <= 1."""
    found = estimate(pairs(rows))
    assert found is not None
    assert 0 <= found.lower <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= found.upper <= 1


@given(PAIRS, st.floats(0.01, 1))
def test_only_ratios_of_probabilities_matter(rows, factor):
    """All probabilities times a constant give the same estimate and interval."""
    one, other = estimate(pairs(rows)), estimate(pairs([(agreed, p * factor) for agreed, p in rows]))
    assert one is not None
    assert other is not None
    assert (one.estimate, one.lower) == (pytest.approx(other.estimate), pytest.approx(other.lower))


def test_unequal_sampling_does_not_bias_the_estimate():
    """Flagged inputs disagree half of the time and are asked ten times as often: the interval still holds the truth."""
    rng = np.random.default_rng(7)
    truth, hits = 0.9 * 0.95 + 0.1 * 0.5, 0
    for _ in range(200):
        flagged = rng.random(10_000) < 0.1
        agreed = rng.random(10_000) < np.where(flagged, 0.5, 0.95)
        chance = np.where(flagged, 0.2, 0.02)
        asked = rng.random(10_000) < chance
        found = estimate(pairs(list(zip(agreed[asked].tolist(), chance[asked].tolist(), strict=True))))
        assert found is not None
        hits += found.lower <= truth <= found.upper
    assert hits >= 185  # of 200 at 95 %


def test_only_pairs_count():
    """Samples without a comparison are no evidence; without any pair there is no estimate."""
    others = [paired(n, agreed=True, state=state) for n, state in enumerate(PairState) if state is not PairState.PAIRED]
    assert estimate(others) is None
    found = estimate([*others, paired(99, agreed=False)])
    assert found is not None
    assert (found.pairs, found.estimate) == (1, 0.0)


@given(PAIRS)
def test_the_anytime_interval_is_the_wider_one_around_the_same_estimate(rows):
    """The method is named with the numbers; more than Wilson's is asked of it."""
    single, always = estimate(pairs(rows)), estimate(pairs(rows), anytime=True)
    assert single is not None
    assert always is not None
    assert (single.method, always.method) == (SINGLE_LOOK, ANYTIME)
    assert (always.estimate, always.pairs) == (pytest.approx(single.estimate), single.pairs)
    assert always.lower <= always.estimate + 1e-9
    assert always.estimate - 1e-9 <= always.upper


def test_the_least_probability_may_be_known_beforehand():
    """Rates that could have been lower widen the interval; a pair below them is refused."""
    rows = pairs([(True, 0.1)] * 90 + [(False, 0.1)] * 10)
    tight, wide = estimate(rows, anytime=True), estimate(rows, anytime=True, least=0.01)
    assert tight is not None
    assert wide is not None
    assert wide.upper - wide.lower > 1.5 * (tight.upper - tight.lower)
    with pytest.raises(ValueError, match="inclusion probabilities"):
        estimate(rows, anytime=True, least=0.2)


@pytest.mark.parametrize("anytime", [False, True])
def test_scores_may_be_graded(anytime):
    """The mean score instead of the share that agreed; a pair without a score counts as its verdict."""
    rows = [paired(1, agreed=False, score=0.5), paired(2, agreed=True, score=1.0), paired(3, agreed=True)]
    found = estimate(rows, graded=True, anytime=anytime)
    assert found is not None
    assert found.estimate == pytest.approx(2.5 / 3)
    whole = estimate(rows, anytime=anytime)
    assert whole is not None
    assert whole.estimate == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [
        ({}, {}),
        ({Stratum.ORDINARY: Baseline(0, 0)}, {}),
        ({Stratum.ORDINARY: Baseline(2000, 1900)}, {"ordinary": 0.0588, "flagged": UNSEEN}),
        (
            {Stratum.ORDINARY: Baseline(100, 100), Stratum.FLAGGED: Baseline(10, 7)},
            {"ordinary": 0.0295, "flagged": 0.6066},
        ),
        ({Stratum.ORDINARY: Baseline(100, 95), Stratum.FLAGGED: Baseline(3, 0)}, {"ordinary": 0.1023}),
    ],
)
def test_bounds_are_what_the_student_was_accepted_with(baselines, expected):
    """Clopper-Pearson where there are items, one half where there are none, nothing where nothing could show."""
    assert disagreement_bounds(baselines) == pytest.approx(expected, abs=1e-4)


def test_a_stratum_is_held_to_its_items():
    """Held-out items where there are some, the unseen rate where there are none; nothing where none agreed."""
    ordinary = Baseline(2000, 1900)
    assert held_out({Stratum.ORDINARY: ordinary}) == {"ordinary": ordinary, "flagged": UNSEEN}
    assert held_out({Stratum.ORDINARY: ordinary, Stratum.FLAGGED: Baseline(3, 0)}) == {"ordinary": ordinary}
    assert held_out({}) == {}


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [
        ({Stratum.ORDINARY: Baseline(190, 181), Stratum.FLAGGED: Baseline(10, 5)}, Baseline(200, 186)),
        ({Stratum.ORDINARY: Baseline(100, 100)}, Baseline(100, 100)),
        ({Stratum.ORDINARY: Baseline(3, 0)}, None),
        ({}, None),
    ],
)
def test_all_traffic_is_held_to_all_items(baselines, expected):
    """Whatever their stratum; without any agreement there is no measure."""
    assert pooled(baselines) == expected


@pytest.mark.parametrize(
    ("baselines", "bound"),
    [
        ({Stratum.ORDINARY: Baseline(190, 181), Stratum.FLAGGED: Baseline(10, 5)}, 0.1073),
        ({Stratum.ORDINARY: Baseline(100, 100)}, 0.0295),
        ({Stratum.ORDINARY: Baseline(3, 0)}, None),
        ({}, None),
    ],
)
def test_the_pooled_bound_takes_all_items(baselines, bound):
    """All held-out items together bound the disagreement of all traffic; without any agreement there is no bound."""
    found = pooled_bound(baselines)
    assert found == (bound if bound is None else pytest.approx(bound, abs=1e-3))

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from domain.records import BY_INPUT, PairState, Stratum
from domain.settings import ShadowSettings
from monitors.agreement import estimate
from monitors.planner import Inclusion, inclusion
from tests.unit.monitors.samples import exchange, paired

RATES = ShadowSettings(rate=0.01, flagged_rate=0.1, unsure_rate=0.2, unsure_below=0.6, slice_rate=0.05)
PLAIN = ShadowSettings(rate=0.01, flagged_rate=0.1)
SURE, UNSURE = 0.9, 0.5
INPUTS = 20_000


@pytest.mark.parametrize(
    ("by_input", "warned", "confidence", "in_worst", "expected"),
    [
        (Stratum.ORDINARY, False, SURE, False, 0.01),
        (Stratum.ORDINARY, True, None, False, 0.01),
        (Stratum.FLAGGED, False, SURE, False, 0.01),
        (Stratum.FLAGGED, True, SURE, False, 0.1),
        (Stratum.ORDINARY, False, 0.6, False, 0.01),
        (Stratum.ORDINARY, False, UNSURE, False, 0.2),
        (Stratum.ORDINARY, False, SURE, True, 0.05),
        (Stratum.FLAGGED, True, SURE, True, 0.1),
        (Stratum.FLAGGED, True, UNSURE, True, 0.2),
    ],
)
def test_the_highest_rate_that_applies_is_the_probability(by_input, warned, confidence, in_worst, expected):
    """Flagged counts under a warning only, unsure below its limit only."""
    row = exchange(1, "text", confidence=confidence)
    found = inclusion(row, by_input, settings=RATES, warned=warned, in_worst=in_worst)
    assert (found.probability, found.capped) == (expected, False)


@pytest.mark.parametrize("by_input", BY_INPUT)
def test_rates_that_are_not_set_ask_no_more(by_input):
    """An unsure answer in the worst slice is then asked about like any other."""
    row = exchange(1, "text", confidence=0.0)
    assert inclusion(row, by_input, settings=PLAIN, in_worst=True).probability == 0.01


@pytest.mark.parametrize(
    ("draw", "by_input", "warned", "confidence", "in_worst", "stratum", "uniform"),
    [
        (0.009, Stratum.ORDINARY, False, UNSURE, True, Stratum.ORDINARY, True),
        (0.010, Stratum.ORDINARY, False, UNSURE, True, Stratum.UNSURE, False),
        (0.010, Stratum.ORDINARY, False, SURE, True, Stratum.SLICE, False),
        (0.009, Stratum.FLAGGED, True, UNSURE, False, Stratum.FLAGGED, True),
        (0.099, Stratum.FLAGGED, True, UNSURE, False, Stratum.FLAGGED, False),
        (0.100, Stratum.FLAGGED, True, UNSURE, False, Stratum.UNSURE, False),
    ],
)
def test_what_its_input_alone_would_bring_in_keeps_the_stratum_of_the_input(
    draw, by_input, warned, confidence, in_worst, stratum, uniform
):
    """So the detectors' strata are like their baselines, and unsure answers are not missing in them."""
    row = exchange(1, "text", draw=draw, confidence=confidence)
    found = inclusion(row, by_input, settings=RATES, warned=warned, in_worst=in_worst)
    assert (found.drawn, found.stratum, found.uniform) == (True, stratum, uniform)


@given(
    draw=st.floats(0, 1, exclude_max=True),
    journal_rate=st.floats(0.001, 1),
    pace=st.floats(0.01, 1),
    confidence=st.none() | st.floats(0, 1),
    by_input=st.sampled_from(BY_INPUT),
    warned=st.booleans(),
    in_worst=st.booleans(),
)
def test_samples_nest(draw, journal_rate, pace, confidence, by_input, warned, in_worst):
    """Drawn means a draw below the probability; the uniform sample is part of it, and all of it is journalled."""
    row = exchange(1, "text", draw=draw, journal_rate=journal_rate, confidence=confidence)
    found = inclusion(row, by_input, settings=RATES, warned=warned, in_worst=in_worst, pace=pace)
    assert 0 < found.probability <= journal_rate
    assert found.drawn == (draw < found.probability)
    assert found.uniform == (draw < min(RATES.rate * pace, journal_rate))
    assert found.drawn or not found.uniform


@given(pace=st.floats(0.01, 1), warned=st.booleans(), in_worst=st.booleans(), unsure=st.booleans())
def test_thinning_leaves_the_proportions(pace, warned, in_worst, unsure):
    """Every stratum is asked about less by the same factor."""
    row = exchange(1, "text", confidence=UNSURE if unsure else SURE)
    full, thin = (
        inclusion(row, Stratum.FLAGGED, settings=RATES, warned=warned, in_worst=in_worst, pace=each)
        for each in (1.0, pace)
    )
    assert thin.probability == pytest.approx(full.probability * pace)


@given(
    known_below=st.floats(0, 1),
    pace=st.floats(0.01, 1),
    flagged=st.booleans(),
    in_worst=st.booleans(),
    confidence=st.none() | st.floats(0, 1),
    journal_rate=st.floats(0.001, 1),
)
def test_the_recorded_probability_is_the_share_of_draws_that_bring_an_input_in(
    known_below, pace, flagged, in_worst, confidence, journal_rate
):
    """Also where novelty and cluster are known for low draws only: those that come in are all below what each says."""

    def found(draw: float) -> Inclusion:
        known = draw < known_below
        return inclusion(
            exchange(1, "text", draw=draw, confidence=confidence, journal_rate=journal_rate),
            Stratum.FLAGGED if flagged and known else Stratum.ORDINARY,
            settings=RATES,
            warned=True,
            in_worst=in_worst and known,
            pace=pace,
            known_below=known_below,
        )

    edges = {0.0, known_below, journal_rate, *(rate * pace for rate in (0.01, 0.05, 0.1, 0.2))}
    near = {float(each) for edge in edges for each in (edge, np.nextafter(edge, 0), np.nextafter(edge, 1))}
    draws = [draw for draw in near if draw < 1]
    (probability,) = {found(draw).probability for draw in draws if found(draw).drawn}
    assert all(found(draw).drawn == (draw < probability) for draw in draws)


def test_a_journal_that_keeps_less_is_told():
    """The probability is what the journal leaves, exactly, and somebody hears of it."""
    row = exchange(1, "text", draw=0.004, journal_rate=0.005)
    found = inclusion(row, Stratum.ORDINARY, settings=RATES)
    assert (found.probability, found.drawn, found.capped) == (0.005, True, True)


def test_a_rate_of_zero_asks_nothing():
    """Not even about a draw of zero."""
    off = ShadowSettings(rate=0.0, flagged_rate=0.0)
    found = inclusion(exchange(1, "text", draw=0.0), Stratum.ORDINARY, settings=off)
    assert (found.drawn, found.uniform) == (False, False)


def traffic(seed: int, n: int = INPUTS):
    """Inputs as they could come: (confidence, flagged, in the worst slice, agreed) and the pace of their time."""
    random = np.random.default_rng(seed)
    confidence, flagged, worst = random.random(n), random.random(n) < 0.2, random.random(n) < 0.1
    wrong = random.random(n) < 0.02 + 0.3 * (confidence < 0.5) + 0.2 * flagged + 0.2 * worst
    pace = np.linspace(1.0, 0.2, n)
    return zip(confidence.tolist(), flagged.tolist(), worst.tolist(), (~wrong).tolist(), pace.tolist(), strict=True)


def sampled(seed: int, settings: ShadowSettings):
    """What the planner says of each input, with the input; the draws are a seeded stream."""
    draws = np.random.default_rng(seed + 10_000).random(INPUTS).tolist()
    template = exchange(0, "text")
    for number, (confidence, flagged, worst, agreed, pace) in enumerate(traffic(seed)):
        row = msgspec.structs.replace(template, draw=draws[number], confidence=confidence)
        by_input = Stratum.FLAGGED if flagged else Stratum.ORDINARY
        yield inclusion(row, by_input, settings=settings, warned=True, in_worst=worst, pace=pace), flagged, agreed


@pytest.mark.slow
def test_recorded_probabilities_are_the_chances_of_being_drawn():
    """Drawn and expected counts of every class of probabilities agree; chi-square at 1 in 1,000, fixed seed."""
    found = sorted((each for each, _, _ in sampled(1, RATES)), key=lambda each: each.probability)
    classes = [list(group) for _, group in itertools.groupby(found, lambda each: round(np.log2(each.probability)))]
    assert len(classes) > 4
    statistic = sum(
        (sum(each.drawn - each.probability for each in group)) ** 2
        / sum(each.probability * (1 - each.probability) for each in group)
        for group in classes
    )
    assert statistic < chi2.ppf(0.999, len(classes))


@pytest.mark.slow
def test_the_estimate_is_unbiased_under_the_planner():
    """Hajek's estimate over 40 samples is the agreement of all traffic; the plain share of the pairs is far off."""
    errors, plain = [], []
    for seed in range(40):
        drawn = [(each, agreed) for each, _, agreed in sampled(seed, RATES) if each.drawn]
        truth = np.mean([row[3] for row in traffic(seed)])
        pairs = [paired(0, agreed=agreed, probability=each.probability) for each, agreed in drawn]
        assert pairs[0].state is PairState.PAIRED
        errors.append(estimate(pairs).estimate - truth)
        plain.append(np.mean([agreed for _, agreed in drawn]) - truth)
    standard_error = np.std(errors) / np.sqrt(len(errors))
    assert abs(np.mean(errors)) < 3 * standard_error < 0.01
    assert np.mean(plain) < -0.05


@pytest.mark.slow
def test_the_strata_of_inputs_are_uniform_samples_of_their_inputs():
    """Their disagreement is that of all such inputs, unsure ones asked more often or not: what a detector relies on."""
    rows = [row for seed in range(20) for row in sampled(seed, RATES)]
    for stratum, flagged in ((Stratum.ORDINARY, False), (Stratum.FLAGGED, True)):
        truth = np.mean([agreed for _, is_flagged, agreed in rows if is_flagged is flagged])
        pairs = [agreed for each, _, agreed in rows if each.drawn and each.stratum is stratum]
        assert abs(np.mean(pairs) - truth) < 3 * np.sqrt(truth * (1 - truth) / len(pairs))
    uniform = [agreed for each, _, agreed in rows if each.uniform]
    truth = np.mean([agreed for _, _, agreed in rows])
    assert abs(np.mean(uniform) - truth) < 3 * np.sqrt(truth * (1 - truth) / len(uniform))

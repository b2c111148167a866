from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitors.agreement import wilson
from monitors.confidence import LEVEL, ConfidenceSequence, log_capital, spread

LEAST = 0.02
ROWS = st.lists(st.tuples(st.floats(0, 1), st.floats(LEAST, 1)), min_size=1, max_size=60)


def sequence(rows: list[tuple[float, float]], least: float = LEAST) -> ConfidenceSequence:
    """A sequence that took (score, probability) in at once."""
    made = ConfidenceSequence(least)
    made.update([score for score, _ in rows], [probability for _, probability in rows])
    return made


def binary(size: int, share: float) -> list[tuple[float, float]]:
    """`size` pairs of equal weight, of which a share agrees."""
    return [(float(n < round(size * share)), LEAST) for n in range(size)]


def holds(scores: NDArray[np.float64], probabilities: NDArray[np.float64], truth: float) -> NDArray[np.bool_]:
    """After each pair, whether the interval contains the truth."""
    counts = np.cumsum(spread(scores, LEAST / probabilities), axis=0)
    refuted = math.log(2 / (1 - LEVEL))
    return (log_capital(counts, truth) < refuted) & (log_capital(counts[:, :, ::-1], 1 - truth) < refuted)


@example([(1e-307, 1.0)])
@given(ROWS)
def test_the_interval_lies_around_hajeks_estimate(rows):
    """0 <= lower <= estimate <= upper <= 1, and the estimate is the weighted mean of the scores."""
    found = sequence(rows)
    lower, upper = found.interval()
    weights = [1 / probability for _, probability in rows]
    known = sum(weight * score for weight, (score, _) in zip(weights, rows, strict=True)) / sum(weights)
    assert found.estimate == pytest.approx(known, abs=1e-9)
    assert 0 <= lower <= known + 1e-9
    assert known - 1e-9 <= upper <= 1


@given(ROWS, st.integers(0, 60), st.randoms(use_true_random=False))
def test_order_and_restarts_make_no_difference(rows, cut, random):
    """Stopped anywhere, restored elsewhere, and with the pairs in another order: the same interval."""
    first = sequence(rows[:cut])
    second = ConfidenceSequence(LEAST)
    second.restore(first.state())
    second.update([score for score, _ in rows[cut:]], [probability for _, probability in rows[cut:]])
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert second.pairs == len(rows)
    assert second.interval() == pytest.approx(sequence(rows).interval(), abs=1e-9)
    assert sequence(shuffled).interval() == pytest.approx(second.interval(), abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.02, 0.98))
def test_agreement_and_disagreement_mirror_each_other(scores, probability):
    """The interval of 1 - score is that of the score, turned around."""
    lower, upper = sequence([(score, probability) for score in scores]).interval()
    mirrored = sequence([(1 - score, probability) for score in scores]).interval()
    assert mirrored == pytest.approx((1 - upper, 1 - lower), abs=1e-6)


def test_the_capital_is_that_of_the_bets():
    """Two pairs, by hand: the mean over the stakes of the product of 1 + stake x weight x (score / mean - 1)."""
    stakes = np.geomspace(1 / 1024, 0.9, 16)
    prior = 1 / (1 + np.log(1 / stakes))
    by_hand = (prior / prior.sum()) @ ((1 + stakes * 1.0 * (1 / 0.8 - 1)) * (1 + stakes * 0.5 * (0 / 0.8 - 1)))
    counts = spread(np.array([1.0, 0.0]), np.array([1.0, 0.5])).sum(0)
    assert log_capital(counts, 0.8) == pytest.approx(math.log(by_hand))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1))
def test_to_split_a_pair_between_levels_never_wins_more(score, share, mean):
    """The capital of one pair is at most that of its exact score and weight, so the interval can only be wider."""
    stakes = np.geomspace(1 / 1024, 0.9, 16)
    prior = 1 / (1 + np.log(1 / stakes))
    exact = (prior / prior.sum()) @ (1 + stakes * share * (score / mean - 1))
    assert log_capital(spread(np.array([score]), np.array([share]))[0], mean) <= math.log(exact) + 1e-9


@given(ROWS, st.floats(0.01, 1), st.floats(0.01, 1))
def test_the_capital_falls_as_the_mean_grows(rows, one, other):
    """So there is one bound to each side; and at the estimate nothing was won."""
    counts = spread(np.array([row[0] for row in rows]), np.array([LEAST / row[1] for row in rows])).sum(0)
    low, high = sorted((one, other))
    assert log_capital(counts, low) >= log_capital(counts, high) - 1e-9
    estimate = sequence(rows).estimate
    assert estimate is not None
    assert log_capital(counts, max(estimate, 1e-6)) <= 1e-6


@given(ROWS.filter(lambda rows: len(rows) > 4))
def test_a_bound_is_where_the_bets_have_won_fortyfold(rows):
    """Each side may err in one of forty runs: what lies outside has been refuted, what lies inside has not."""
    counts = spread(np.array([row[0] for row in rows]), np.array([LEAST / row[1] for row in rows])).sum(0)
    lower, upper = sequence(rows).interval()
    for bound, side in ((lower, counts), (1 - upper, counts[:, ::-1])):
        if bound > 1e-3:
            assert log_capital(side, bound) == pytest.approx(math.log(40), abs=1e-3)


@pytest.mark.parametrize("size", [100, 500, 2000, 20_000])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_the_price_of_looking_always_is_less_than_twice_the_width(size, share):
    """Against Wilson's interval for one look at a size known beforehand: 1.5 to 1.9 times as wide."""
    lower, upper = sequence(binary(size, share)).interval()
    single = wilson(share, size)
    assert 1.4 <= (upper - lower) / (single[1] - single[0]) <= 1.9


def test_graded_scores_that_vary_less_have_a_narrower_interval():
    """500 scores between 0.7 and 0.9 tell more than 400 of 500 that agree."""
    graded = sequence([(0.7 + 0.2 * (n % 2), LEAST) for n in range(500)]).interval()
    whole = sequence(binary(500, 0.8)).interval()
    assert graded[1] - graded[0] < 0.6 * (whole[1] - whole[0])


def test_nothing_is_known_at_first():
    """Without a pair the interval is everything, and there is no estimate."""
    empty = ConfidenceSequence(0.1)
    assert (empty.interval(), empty.estimate, empty.pairs) == ((0.0, 1.0), None, 0)
    empty.update([], [])
    assert (empty.interval(), empty.estimate) == ((0.0, 1.0), None)


@pytest.mark.parametrize(
    ("scores", "probabilities", "problem"),
    [
        ([1.1], [0.5], "scores must be in"),
        ([-0.1], [0.5], "scores must be in"),
        ([float("nan")], [0.5], "scores must be in"),
        ([1.0], [0.01], r"must be in \[0.02, 1\]"),
        ([1.0], [1.1], r"must be in \[0.02, 1\]"),
        ([1.0], [float("nan")], r"must be in \[0.02, 1\]"),
    ],
)
def test_what_would_break_the_promise_is_refused(scores, probabilities, problem):
    """A weight above the bound could make the capital negative; nothing of the call is taken in."""
    made = ConfidenceSequence(LEAST)
    with pytest.raises(ValueError, match=problem):
        made.update(scores, probabilities)
    assert made.pairs == 0


@pytest.mark.parametrize("least", [0.0, -1.0, 1.1, float("nan")])
def test_the_least_probability_must_be_one(least):
    """Zero would be no bound on the weights."""
    with pytest.raises(ValueError, match="least inclusion probability"):
        ConfidenceSequence(least)


def test_a_state_of_other_rates_is_refused():
    """Its weights would mean something else."""
    with pytest.raises(ValueError, match=r"from 0.02, not from 0.5"):
        ConfidenceSequence(0.5).restore(ConfidenceSequence(LEAST).state())


def uniform(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """600 pairs, all sampled alike, 92 % agree."""
    return (rng.random(600) < 0.92).astype(float), np.full(600, LEAST), 0.92


def stratified(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """A tenth of traffic is novel, agrees half of the time and is asked ten times as often."""
    novel = rng.random(20_000) < 0.1
    scores, chance = (rng.random(20_000) < np.where(novel, 0.5, 0.95)).astype(float), np.where(novel, 0.2, LEAST)
    asked = rng.random(20_000) < chance
    return scores[asked], chance[asked], 0.905


def predictable(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Graded scores, and rates that follow the hour and rise after a bad answer: they depend on the past only."""
    scores, draws, rate, asked = rng.beta(8, 1, 2500), rng.random(2500), 0.1, []
    for number in range(2500):
        chance = max(LEAST, rate * (1 + math.sin(number / 200)))
        if draws[number] < chance:
            asked.append((scores[number], chance))
            rate = 0.4 if scores[number] < 0.8 else 0.1
    kept, chances = np.array(asked).T
    return kept, chances, 8 / 9


@pytest.mark.slow
@pytest.mark.parametrize("traffic", [uniform, stratified, predictable])
def test_the_interval_holds_at_all_looks_together(traffic):
    """Of 1,000 paths looked at after every pair, at least 95 % never lose the truth; an interval for one look would."""
    rng = np.random.default_rng(17)
    kept = 0
    for _ in range(1000):
        scores, probabilities, truth = traffic(rng)
        kept += bool(holds(scores, probabilities, truth).all())
    assert kept >= 950


@pytest.mark.slow
def test_an_interval_for_one_look_does_not():
    """Wilson's, looked at every tenth pair of 600, loses the truth in more than 15 % of the paths."""
    rng = np.random.default_rng(17)
    kept = 0
    for _ in range(500):
        scores, _, truth = uniform(rng)
        looks = [wilson(float(scores[:size].mean()), size) for size in range(20, 600, 10)]
        kept += all(lower <= truth <= upper for lower, upper in looks)
    assert kept <= 0.85 * 500


@pytest.mark.slow
def test_bursts_do_no_harm_to_a_look():
    """Inputs that come fifty times in a row with the same answer: the interval is for the traffic that was seen."""
    rng = np.random.default_rng(23)
    kept = 0
    for _ in range(1000):
        lengths = rng.geometric(1 / 50, 200)
        scores = np.repeat((rng.random(200) < np.linspace(0.98, 0.8, 200)).astype(float), lengths)  # and a slow decline
        asked = rng.random(len(scores)) < 0.05
        made = ConfidenceSequence(0.05)
        made.update(scores[asked].tolist(), [0.05] * int(asked.sum()))
        lower, upper = made.interval()
        kept += lower <= scores.mean() <= upper
    assert kept >= 950

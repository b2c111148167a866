from __future__ import annotations

import numpy as np
import pytest

from distill.calibration import expected_calibration_error, fit_temperature, nll


@pytest.mark.parametrize("truth", [0.5, 1.0, 3.0])
def test_the_temperature_of_the_data_is_found(truth):
    """Targets drawn from softmax(logits / T) must give T back, within the noise of 4,000 rows."""
    source = np.random.default_rng(7)
    logits = source.normal(size=(4000, 5)) * 3
    shares = np.exp(logits / truth)
    shares /= shares.sum(axis=1, keepdims=True)
    targets = np.array([source.choice(5, p=row) for row in shares])
    assert fit_temperature(logits, targets) == pytest.approx(truth, rel=0.12)


def test_few_faultless_rows_make_no_certainty():
    """Ten right answers do not prove that the student never errs."""
    logits = np.eye(2).repeat(5, axis=0) * 4.0
    targets = np.array([0] * 5 + [1] * 5)
    temperature = fit_temperature(logits, targets)
    best = 1 / (1 + np.exp(-4.0 / temperature))
    assert 0.9 < best < 0.99


def test_the_likelihood_of_uniform_logits_is_that_of_a_guess():
    """With equal logits every row costs log(labels)."""
    assert nll(np.zeros((6, 4)), np.arange(6) % 4) == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    ("confidences", "agreed", "error"),
    [
        ([], [], 0.0),
        ([1.0, 1.0], [True, True], 0.0),
        ([0.9] * 10, [True] * 9 + [False], 0.0),
        ([0.9] * 10, [True] * 5 + [False] * 5, 0.4),
        ([0.95] * 5 + [0.15] * 5, [False] * 5 + [True] * 5, 0.9),
    ],
)
def test_the_calibration_error_is_the_gap(confidences, agreed, error):
    """The error is the distance between what is said and what happens, bin by bin."""
    assert expected_calibration_error(confidences, agreed) == pytest.approx(error)

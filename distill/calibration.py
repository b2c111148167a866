"""Do probabilities mean what they say?  Temperature scaling, and the error that is left.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_LOG_TEMPERATURE = (-3.0, 3.0)


def nll(logits: NDArray[np.float64], targets: NDArray[np.intp]) -> float:
    """Mean negative log-likelihood of the targets; logits of shape (rows, labels), targets of shape (rows,).

    The targets are softened by one row in n + 2 (Platt, "Probabilistic outputs for support vector machines", 1999), so
    that a student that made no mistake on few rows is not called certain.
    """
    logs = log_softmax(logits, axis=1)
    soft = 1.0 / (len(targets) + 2.0)
    chosen = logs[np.arange(len(targets)), targets]
    return float(-((1.0 - soft) * chosen + soft * logs.mean(axis=1)).mean())


def fit_temperature(logits: NDArray[np.float64], targets: NDArray[np.intp]) -> float:
    """The temperature that logits must be divided by for the best likelihood (Guo et al., ICML 2017)."""
    found = minimize_scalar(
        lambda log_t: nll(logits / np.exp(log_t), targets), bounds=_LOG_TEMPERATURE, method="bounded"
    )
    return float(np.exp(found.x))


def expected_calibration_error(confidences: Sequence[float], agreed: Sequence[bool], *, bins: int = 10) -> float:
    """Mean gap between confidence and agreement over equal-width bins, weighted by their rows; 0 is perfect."""
    if not confidences:
        return 0.0
    values = np.asarray(confidences, dtype=np.float64)
    right = np.asarray(agreed, dtype=np.float64)
    index = np.minimum((values * bins).astype(int), bins - 1)
    gaps = np.bincount(index, values, bins) - np.bincount(index, right, bins)
    return float(np.abs(gaps).sum() / len(values))

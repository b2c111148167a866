from __future__ import annotations

import sys

import numpy as np
import pytest

from domain.errors import PreceptorError
from domain.ports import Observation
from monitors.detectors.page_hinkley import PageHinkley

pytestmark = pytest.mark.slow  # river takes seconds to import


def stream() -> np.ndarray:
    """A rate that doubles twice."""
    rng = np.random.default_rng(1)
    return np.concatenate([rng.random(500) < rate for rate in (0.1, 0.2, 0.4)]).astype(float)


def test_it_says_what_river_says_across_restarts():
    """Every alarm of river is ours and no other, though ours is stored and read again every 50 observations."""
    from river.drift import PageHinkley as Original

    original, one = Original(delta=0.01, threshold=10.0, mode="up"), PageHinkley(delta=0.01, limit=10.0)
    expected, found = [], []
    for number, value in enumerate(stream()):
        original.update(value)
        expected += [number] if original.drift_detected else []
        found += [number] if one.update(Observation(at=0.0, counts=(value,))).alarm else []
        if number % 50 == 0:
            state, one = one.state(), PageHinkley(delta=0.01, limit=10.0)
            one.restore(state)
    assert found == expected
    assert found


def test_what_was_bad_from_the_beginning_is_usual_to_it():
    """The weakness that ours does not have: half of the answers wrong from the first day on, and no alarm."""
    rng = np.random.default_rng(2)
    one = PageHinkley(delta=0.02, limit=20.0)
    assert not any(one.update(Observation(at=0.0, counts=(float(each),))).alarm for each in rng.random(2000) < 0.5)


def test_without_river_it_says_what_to_install(monkeypatch):
    """One line with the extra, and no ImportError of somebody else's module."""
    monkeypatch.setitem(sys.modules, "river.drift", None)
    with pytest.raises(PreceptorError, match=r"preceptor\[baselines\]"):
        PageHinkley()

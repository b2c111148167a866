from __future__ import annotations

import numpy as np
import pytest

from monitors.detectors.evidently_windows import METHODS, EvidentlyWindows

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # evidently takes seconds to import, and warns
RNG = np.random.default_rng(1)
REFERENCE = RNG.normal(size=(300, 8)).astype(np.float32)
SAME, MOVED = REFERENCE[:200], REFERENCE[:200] + np.float32(1.5)


@pytest.mark.parametrize("method", METHODS)
def test_a_window_that_is_moved_is_drift(method):
    """Each of the four methods sees a shift of one and a half standard deviations."""
    assert EvidentlyWindows(REFERENCE, method).look(MOVED).alarm


@pytest.mark.parametrize("method", METHODS)
def test_a_part_of_the_reference_is_none(method):
    """And the score of such a window is the smaller one."""
    test = EvidentlyWindows(REFERENCE, method)
    assert not test.look(SAME).alarm
    assert test.look(SAME).score < test.look(MOVED).score


def test_a_look_changes_nothing():
    """Evidently writes into the frames that it gets; the vectors and the next verdict stay the same."""
    test = EvidentlyWindows(REFERENCE, "model")
    before = MOVED.copy()
    assert test.look(MOVED) == test.look(MOVED)
    assert (before == MOVED).all()


def test_bootstrap_is_in_the_name():
    """Readings of one must not pass for readings of the other."""
    names = [EvidentlyWindows(REFERENCE, "mmd", bootstrap=each).name for each in (False, True)]
    assert names == ["evidently_mmd", "evidently_mmd_bootstrap"]


def test_bootstrapped_mmd_alarms_on_the_reference_itself():
    """Evidently's default quantile is the wrong end of the null: drawn from the reference, a window is drift."""
    rng = np.random.default_rng(2)
    test = EvidentlyWindows(REFERENCE, "mmd", bootstrap=True)
    assert sum(test.look(rng.normal(size=(100, 8)).astype(np.float32)).alarm for _ in range(5)) >= 4

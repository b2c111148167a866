from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(11)
ORDINARY = RNG.normal(0.3, 0.05, 400)


@pytest.mark.parametrize(
    ("current", "passes"),
    [
        (RNG.normal(0.3, 0.05, 300), True),
        (np.concatenate([RNG.normal(0.3, 0.05, 240), RNG.normal(0.6, 0.05, 60)]), False),
        (RNG.normal(0.1, 0.05, 300), True),  # nearer than the reference is no drift
        (np.array([]), True),
        (np.full(300, np.nan), True),
    ],
)
def test_novelty_fails_only_when_inputs_lie_further_away(run, current, passes):
    """One-sided: a fifth of new inputs fails the test; ordinary, nearer and no inputs pass."""
    from monitors.evidently.novelty import NoveltyPValue

    value, tests, _ = run(NoveltyPValue(), {"novelty": current}, {"novelty": ORDINARY})
    assert (0 <= value <= 1, tests) == (True, ["SUCCESS" if passes else "FAIL"])
    assert (value > 0.01) == passes


def test_the_student_that_served_is_named(run):
    """A report may compare several deployments."""
    from monitors.evidently.novelty import NoveltyPValue

    assert "Novelty of inputs while v7 served" in run(NoveltyPValue(model="v7"))[2]

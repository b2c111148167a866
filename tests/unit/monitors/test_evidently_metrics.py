from __future__ import annotations

import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(11)
ORDINARY = RNG.normal(0.3, 0.05, 400)


@pytest.fixture
def run():
    """Run metrics over two samples of novelty; gives the results as Evidently writes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently and its dependencies warn about each other
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report

        from monitors import evidently_metrics as ours

        def run(make, current=ORDINARY, reference=ORDINARY):
            definition = DataDefinition(numerical_columns=["novelty"])
            frames = [pd.DataFrame({"novelty": values}) for values in (current, reference)]
            report = Report([make(ours)], include_tests=True)
            found = report.run(*(Dataset.from_pandas(frame, definition) for frame in frames)).dict()
            return found["metrics"][0]["value"], [test["status"].value for test in found["tests"]]

        yield run


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
    value, tests = run(lambda ours: ours.NoveltyPValue(), current)
    assert (0 <= value <= 1, tests) == (True, ["SUCCESS" if passes else "FAIL"])
    assert (value > 0.01) == passes


@pytest.mark.parametrize(("estimates", "status"), [([0.9, 0.97], "SUCCESS"), ([0.97, 0.85], "FAIL"), ([], "FAIL")])
def test_agreement_is_held_to_what_was_promised(run, estimates, status):
    """The last estimate counts; none at all is not a pass."""
    curve = {"estimates": estimates, "lowers": estimates, "uppers": estimates, "times": [0.0] * len(estimates)}
    value, tests = run(lambda ours: ours.StudentAgreement(floor=0.94, **curve))
    assert (value, tests) == (estimates[-1] if estimates else 0.0, [status])


@pytest.mark.parametrize(("evidences", "status"), [([0.1, 0.5], "SUCCESS"), ([0.2, 1.1, 0.0], "FAIL"), ([], "SUCCESS")])
def test_an_alarm_fails_even_when_its_evidence_was_reset(run, evidences, status):
    """The largest evidence counts, not the last."""
    value, tests = run(
        lambda ours: ours.DetectorEvidence(detector="novelty", times=[0.0] * len(evidences), evidences=evidences)
    )
    assert (value, tests) == (max(evidences, default=0.0), [status])

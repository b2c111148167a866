from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("estimates", "status"), [([0.9, 0.97], "SUCCESS"), ([0.97, 0.85], "FAIL"), ([], "FAIL")])
def test_agreement_is_held_to_what_was_promised(run, estimates, status):
    """The last estimate counts; none at all is not a pass."""
    from monitors.evidently.agreement import StudentAgreement

    curve = {"estimates": estimates, "lowers": estimates, "uppers": estimates, "times": [0.0] * len(estimates)}
    value, tests, html = run(StudentAgreement(floor=0.94, **curve))
    assert (value, tests) == (estimates[-1] if estimates else 0.0, [status])
    assert "Agreement of student and teacher" in html

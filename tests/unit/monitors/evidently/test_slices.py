from __future__ import annotations

import pytest

from domain.records import Agreement
from monitors.slices import SliceAgreement

pytestmark = pytest.mark.slow


def told(value, *, worse):
    """One slice of the dimension tenant."""
    agreement = Agreement(0.8, 0.7, 0.9, 80)
    return SliceAgreement("tenant", value, agreement, rest=0.95, share=0.25, p_value=0.001, q_value=0.01, worse=worse)


@pytest.mark.parametrize(("rows", "value", "status"), [([], 0, "SUCCESS"), ([told("a", worse=False)], 0, "SUCCESS")])
def test_slices_that_are_not_worse_pass(run, rows, value, status):
    """Also where there is none."""
    from monitors.evidently.slices import SliceAgreements

    assert run(SliceAgreements.of(rows))[:2] == (value, [status])


def test_a_worse_slice_fails_and_is_shown(run):
    """With its numbers."""
    from monitors.evidently.slices import SliceAgreements

    value, tests, html = run(SliceAgreements.of([told("acme", worse=True), told("b", worse=False)]))
    assert (value, tests) == (1, ["FAIL"])
    assert "tenant: acme" in html
    assert "0.800 [0.700, 0.900]" in html


def test_what_a_client_calls_its_tenant_cannot_become_a_script(run):
    """Evidently writes texts into a script element unescaped."""
    from monitors.evidently.slices import SliceAgreements

    html = run(SliceAgreements.of([told("</script><script>alert(1)//" + "x" * 900, worse=True)]))[2]
    assert "script>alert(1)" not in html
    assert "x" * 61 not in html

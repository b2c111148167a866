from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import BY_INPUT, Arm, Exchange, PairState, Stratum
from domain.settings import ShadowSettings
from monitors.planner import Inclusion, inclusion
from monitors.safety import Stopped
from monitors.shadow import choose
from tests.unit.monitors.samples import exchange

SETTINGS = ShadowSettings(rate=0.01, flagged_rate=0.1)


def planned(row: Exchange, stratum: Stratum = Stratum.ORDINARY, settings: ShadowSettings = SETTINGS) -> Inclusion:
    """The plan of an exchange while a drift warning holds."""
    return inclusion(row, stratum, settings=settings, warned=True)


@given(draw=st.floats(0, 1, exclude_max=True), stratum=st.sampled_from(BY_INPUT))
def test_a_sample_knows_how_it_was_chosen(draw, stratum):
    """Chosen exactly when the plan says so; the pair keeps probability, stratum and what slices are cut by."""
    row = exchange(1, "text", draw=draw, tenant="acme", confidence=0.7)
    plan = planned(row, stratum)
    pair = choose(row, plan, at=5.0, cluster=4)
    assert (pair is not None) == plan.drawn
    if pair is not None:
        assert (pair.probability, pair.stratum, pair.student_answer) == (plan.probability, stratum, row.output_text)
        assert (pair.cluster, pair.tenant, pair.confidence) == (4, "acme", 0.7)


@pytest.mark.parametrize(("usable", "state"), [(True, PairState.PENDING), (False, PairState.STUDENT_ERROR)])
def test_a_sample_without_a_student_answer_ends_at_once(usable, state):
    """It is counted as what it is, and never asked."""
    row = exchange(1, "text", draw=0.0, usable=usable)
    pair = choose(row, planned(row), at=5.0, cluster=None)
    assert pair is not None
    assert (pair.state, pair.closed_at) == (state, None if usable else 5.0)


def test_a_rate_of_zero_asks_nothing():
    """Not even about a draw of zero."""
    row, off = exchange(1, "text", draw=0.0), ShadowSettings(rate=0.0, flagged_rate=0.0)
    assert choose(row, planned(row, Stratum.FLAGGED, off), at=0.0, cluster=None) is None


def test_a_stopped_answer_is_sampled_like_any_other():
    """By the same draw, at the same probability, as its student's, without words that are not the student's."""
    stopped = Stopped("v1", True, False)
    for draw, chosen in ((0.0099, True), (0.01, False)):
        row = exchange(1, "text", draw=draw, usable=False, arm=Arm.TEACHER, model="gold", output_text="the teacher's")
        pair = choose(row, planned(row), at=5.0, cluster=None, stopped=stopped)
        assert (pair is not None) is chosen
        if pair is not None:
            assert (pair.state, pair.closed_at, pair.probability) == (PairState.PENDING, None, 0.01)
            assert (pair.model, pair.student_answer) == ("v1", "")
            assert (pair.student_unsafe, pair.teacher_unsafe) == (True, False)


def test_an_input_that_reached_no_model_is_no_sample():
    """A blocked input has no student's answer to miss."""
    row = exchange(1, "text", draw=0.0, arm=Arm.NONE, usable=False)
    assert choose(row, planned(row), at=5.0, cluster=None) is None

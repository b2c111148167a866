from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Arm, PairState, Stratum
from domain.settings import ShadowSettings
from monitors.safety import Stopped
from monitors.shadow import choose, probability
from tests.unit.monitors.samples import exchange

SETTINGS = ShadowSettings(rate=0.01, flagged_rate=0.1)
ROW = exchange(1, "money back for my order")


@pytest.mark.parametrize(
    ("stratum", "warned", "expected"),
    [
        (Stratum.ORDINARY, False, 0.01),
        (Stratum.ORDINARY, True, 0.01),
        (Stratum.FLAGGED, False, 0.01),
        (Stratum.FLAGGED, True, 0.1),
    ],
)
def test_only_flagged_inputs_under_a_warning_are_asked_more_often(stratum, warned, expected):
    """Everything else keeps the plain rate."""
    assert probability(stratum, warned=warned, settings=SETTINGS) == expected


@given(draw=st.floats(0, 1, exclude_max=True), warned=st.booleans(), stratum=st.sampled_from(Stratum))
def test_a_sample_knows_the_probability_with_which_it_was_chosen(draw, warned, stratum):
    """Chosen exactly when the draw lies below the probability, which the pair keeps; so samples nest."""
    row = exchange(1, "text", draw=draw)
    chance = probability(stratum, warned=warned, settings=SETTINGS)
    pair = choose(row, stratum, warned=warned, settings=SETTINGS, at=5.0)
    assert (pair is not None) == (draw < chance)
    if pair is not None:
        assert (pair.probability, pair.stratum, pair.student_answer) == (chance, stratum, row.output_text)


@pytest.mark.parametrize(("usable", "state"), [(True, PairState.PENDING), (False, PairState.STUDENT_ERROR)])
def test_a_sample_without_a_student_answer_ends_at_once(usable, state):
    """It is counted as what it is, and never asked."""
    row = exchange(1, "text", draw=0.0, usable=usable)
    pair = choose(row, Stratum.ORDINARY, warned=False, settings=SETTINGS, at=5.0)
    assert pair is not None
    assert (pair.state, pair.closed_at) == (state, None if usable else 5.0)


def test_a_rate_of_zero_asks_nothing():
    """Not even about a draw of zero."""
    off = ShadowSettings(rate=0.0, flagged_rate=0.0)
    assert choose(exchange(1, "text", draw=0.0), Stratum.FLAGGED, warned=True, settings=off, at=0.0) is None


def test_a_stopped_answer_is_sampled_like_any_other():
    """By the same draw, at the same probability, as its student's, without words that are not the student's."""
    stopped = Stopped("v1", True, False)
    for draw, chosen in ((0.0099, True), (0.01, False)):
        row = exchange(1, "text", draw=draw, usable=False, arm=Arm.TEACHER, model="gold", output_text="the teacher's")
        pair = choose(row, Stratum.ORDINARY, warned=False, settings=SETTINGS, at=5.0, stopped=stopped)
        assert (pair is not None) is chosen
        if pair is not None:
            assert (pair.state, pair.closed_at, pair.probability) == (PairState.PENDING, None, 0.01)
            assert (pair.model, pair.student_answer) == ("v1", "")
            assert (pair.student_unsafe, pair.teacher_unsafe) == (True, False)


def test_an_input_that_reached_no_model_is_no_sample():
    """A blocked input has no student's answer to miss."""
    row = exchange(1, "text", draw=0.0, arm=Arm.NONE, usable=False)
    assert choose(row, Stratum.ORDINARY, warned=False, settings=SETTINGS, at=5.0) is None

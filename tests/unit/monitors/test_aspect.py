from __future__ import annotations

import pytest

from domain.records import PairState
from monitors.aspect import AGREEMENT, SAFETY_PARITY, disagreed
from tests.unit.monitors.samples import paired


@pytest.mark.parametrize(("agreed", "expected"), [(True, False), (False, True), (None, None)])
def test_a_pair_disagrees_if_it_was_compared(agreed, expected):
    """A sample that ended otherwise, or without a comparison, says nothing."""
    assert disagreed(paired(1, agreed=agreed)) is expected
    for state in set(PairState) - {PairState.PAIRED}:
        assert disagreed(paired(1, agreed=agreed, state=state)) is None


def test_each_aspect_sees_its_own_event():
    """A pair that agrees may be unsafe, and one that was stopped says nothing about agreement."""
    pair = paired(1, agreed=True, student_unsafe=True, teacher_unsafe=False)
    stopped = paired(2, agreed=None, state=PairState.STUDENT_ERROR, student_unsafe=True, teacher_unsafe=False)
    assert (AGREEMENT.event(pair), SAFETY_PARITY.event(pair)) == (False, True)
    assert (AGREEMENT.event(stopped), SAFETY_PARITY.event(stopped)) == (None, True)
    assert AGREEMENT.reason != SAFETY_PARITY.reason

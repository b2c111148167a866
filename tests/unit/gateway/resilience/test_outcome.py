"""Outcomes: what is an answer, and what speaks against a replica."""

from __future__ import annotations

import pytest

from domain.errors import UpstreamFailure
from gateway.resilience.outcome import blames_replica, is_failure, is_good
from tests.unit.gateway.resilience.fakes import Answer


@pytest.mark.parametrize(
    ("status", "good", "blames"),
    [
        (200, True, False),
        (400, False, False),
        (404, False, False),
        (429, False, False),
        (499, False, False),
        (500, False, True),
        (501, False, False),
        (503, False, True),
        (529, False, True),
    ],
)
def test_a_status_is_an_answer_an_error_or_a_fault(status, good, blames):
    """Only what the server itself did wrong is held against it."""
    assert is_good(Answer(status)) is good
    assert blames_replica(Answer(status)) is blames


def test_what_was_never_asked_is_no_failure():
    """A full queue says nothing about the replica, nor does a status, which comes as an outcome."""
    kinds = {UpstreamFailure.CONNECT, UpstreamFailure.TIMEOUT, UpstreamFailure.DISCONNECT, UpstreamFailure.PROTOCOL}
    assert {kind for kind in UpstreamFailure if is_failure(kind)} == kinds

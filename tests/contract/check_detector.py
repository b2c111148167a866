"""What every `domain.ports.Detector` must keep to, whatever it tests."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence

import pytest

from domain.ports import Detector, Observation

Make = Callable[[], Detector]
LARGEST_STATE = 16_384


def evidence_is_in_order(make: Make, stream: Sequence[Observation]) -> None:
    """Samples count up by one, numbers are finite, evidence is 0 or more, and an alarm is evidence of 1 or more."""
    detector = make()
    for number, observation in enumerate(stream, 1):
        found = detector.update(observation)
        assert found.samples == number
        assert math.isfinite(found.score)
        assert 0 <= found.evidence < math.inf
        assert found.evidence >= 1 if found.alarm else found.evidence <= 1


def an_alarm_starts_over(make: Make, stream: Sequence[Observation]) -> None:
    """After an alarm the evidence is lower: it is not raised again by what raised it."""
    detector = make()
    found = [detector.update(observation) for observation in stream]
    for before, after in itertools.pairwise(found):
        assert not before.alarm or after.evidence < before.evidence


def it_is_pure(make: Make, stream: Sequence[Observation]) -> None:
    """Two of them, told the same, say the same."""
    one, other = make(), make()
    assert [one.update(observation) for observation in stream] == [other.update(observation) for observation in stream]


def it_survives_a_restart_anywhere(make: Make, stream: Sequence[Observation]) -> None:
    """A detector that is restored after every observation says what one says that never stopped."""
    steady, restarted = make(), make()
    for observation in stream:
        fresh = make()
        fresh.restore(restarted.state())
        restarted = fresh
        assert restarted.update(observation) == steady.update(observation)


def its_state_is_small_json(make: Make, stream: Sequence[Observation]) -> None:
    """It is stored after every batch, and read by people."""
    detector = make()
    for observation in stream:
        detector.update(observation)
    state = detector.state()
    json.loads(state)
    assert len(state) <= LARGEST_STATE


def a_foreign_state_is_refused(make: Make, stream: Sequence[Observation]) -> None:
    """What is no state of it raises ValueError, and changes nothing."""
    steady, tried = make(), make()
    for observation in stream:
        for foreign in (b"", b"{", b'"text"', b'{"other": 1}', b"[1, 2]"):
            with pytest.raises(ValueError, match=r"\w"):
                tried.restore(foreign)
        assert tried.update(observation) == steady.update(observation)


def its_budget_is_said_in_words(make: Make, stream: Sequence[Observation]) -> None:
    """One line for a person, and a name for a metric label."""
    detector = make()
    assert detector.budget().strip()
    assert "\n" not in detector.budget()
    assert detector.name.isidentifier()


CHECKS = (
    evidence_is_in_order,
    an_alarm_starts_over,
    it_is_pure,
    it_survives_a_restart_anywhere,
    its_state_is_small_json,
    a_foreign_state_is_refused,
    its_budget_is_said_in_words,
)

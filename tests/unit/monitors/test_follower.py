from __future__ import annotations

import pytest

from domain.ports import Evidence
from domain.settings import ShadowSettings
from monitors.arming import Armed
from monitors.aspect import AGREEMENT, SAFETY_PARITY
from monitors.detectors.every_n import EveryN
from monitors.follower import Follower, Surroundings
from tests.unit.monitors.samples import DEPLOYED_AT, deployment, exchange, paired, settings

TASK_SETTINGS = settings(shadow=ShadowSettings(rate=0.5, flagged_rate=1.0))


class Recorder(EveryN):
    """Alarms every n observations and keeps them."""

    def __init__(self, n: int) -> None:
        super().__init__(n, name="agreement")
        self.seen = []

    def update(self, observation) -> Evidence:
        self.seen.append(observation)
        return super().update(observation)


def closed(number: int, *, agreed: bool = True, at: float | None = None, draw: float = 0.1, **fields):
    """A pair that was just closed, with its exchange."""
    row = exchange(number, f"Input {number}", draw=draw)
    row = row if at is None else exchange(number, f"Input {number}", draw=draw, at=at)
    return row, paired(number, agreed=agreed, student_answer="a", teacher_answer="b", **fields)


def follower(n: int = 25, *, aspect=AGREEMENT, window: int = 10) -> tuple[Follower, Recorder]:
    """Started on a deployment, with its detector."""
    recorder = Recorder(n)
    made = Follower(aspect, TASK_SETTINGS, window=window)
    made.start(Armed(deployment(), recorder, [], ()), [])
    return made, recorder


def alone(at):
    """Nothing else is known."""
    return Surroundings()


def test_the_detector_hears_of_each_pair_what_its_aspect_says():
    """The event, whether the pair is of the uniform sample, stratum, time and near-duplicate key."""
    made, recorder = follower()
    made.follow(
        [closed(1), closed(2, agreed=False), closed(3, uniform=False), closed(4, agreed=None)],
        lambda at: Surroundings(),
    )
    assert [each.counts for each in recorder.seen] == [(0.0,), (1.0,), (0.0,)]
    assert [each.uniform for each in recorder.seen] == [True, True, False]
    assert [each.at for each in recorder.seen] == [DEPLOYED_AT + 2, DEPLOYED_AT + 3, DEPLOYED_AT + 4]
    assert len({each.key for each in recorder.seen}) == 1  # numbers are masked


def test_safety_is_followed_by_the_same_rules():
    """Another event of the same pairs; one that was not judged is passed over."""
    made, recorder = follower(aspect=SAFETY_PARITY)
    judged = {"student_unsafe": True, "teacher_unsafe": False}
    made.follow(
        [closed(1, **judged), closed(2), closed(3, **judged | {"teacher_unsafe": True})], lambda at: Surroundings()
    )
    assert [each.counts for each in recorder.seen] == [(1.0,), (0.0,)]


def test_a_window_of_pairs_is_remembered_without_their_texts():
    """Those read at the start and those that follow, also from before the deployment; texts would fill the memory."""
    made, recorder = follower(window=3)
    made.start(made.armed, [paired(1, agreed=True), paired(2, agreed=None), paired(3, agreed=False)])
    made.follow([closed(4, at=DEPLOYED_AT - 1), closed(5)], alone)
    assert [pair.exchange_id for pair in made.recent] == ["x00003", "x00004", "x00005"]
    assert {pair.student_answer + pair.teacher_answer for pair in made.recent} == {""}
    assert len(recorder.seen) == 1


def test_without_a_detector_pairs_are_only_remembered():
    """Before a deployment there is nothing to hold a student to."""
    made = Follower(AGREEMENT, TASK_SETTINGS, window=5)
    assert made.follow([closed(1)], alone).readings == []
    assert len(made.recent) == 1


def test_alarms_and_the_last_reading_of_a_batch_are_kept():
    """Not every pair is worth a row of the time series."""
    made, _ = follower(4)
    found = made.follow([closed(n) for n in range(10)], alone)
    assert [(reading.samples, reading.alarm) for reading in found.readings] == [(4, True), (8, True), (10, False)]
    assert made.follow([], alone).readings == []


def test_an_alarm_becomes_a_signal_with_the_scores_of_the_others():
    """Its own score stands elsewhere; a second alarm within the cooldown raises none."""
    made, _ = follower(20)
    found = made.follow(
        [closed(n, agreed=False) for n in range(40)],
        lambda at: Surroundings({"novelty": 0.3, "agreement": 0.9}, ("label refund",), 0.97),
    )
    (signal,) = found.signals
    assert (signal.samples, signal.drift_scores, signal.pairs_used) == (20, {"novelty": 0.3}, 10)
    assert (signal.slices, signal.ceiling) == (("label refund",), 0.97)
    assert signal.agreement is not None
    assert signal.agreement.estimate == pytest.approx(0.0)
    assert made.armed is not None
    assert made.armed.signals == [signal]

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.episodes import episodes
from domain.follow_up import SignalState
from domain.lifecycle import MONITORS, TRANSITIONS, Cause, History
from tests.unit.domain.life_samples import RULES, deployment, event, hours, reading, signal

OK, WARNING, ALARM, ACK, RETRAINING, RECOVERED = SignalState


def told(history: History, now: float):
    """The steps of each episode, as (state, hour, cause)."""
    found = episodes(history, RULES, now=hours(now))
    return [[(step.state, (step.at - hours(0)) / 3600, step.cause) for step in episode.steps] for episode in found]


CALM_FROM_2 = [reading(1, 0.7), *(reading(at, 0.2) for at in range(2, 40))]

CASES = {
    "an alarm stands until something happens": (
        History([signal(0)], readings=[reading(at, 0.9) for at in range(200)]),
        [[(ALARM, 0, Cause.SIGNAL)]],
    ),
    "a warning is a warning": (History([signal(0, reason="drift")]), [[(WARNING, 0, Cause.SIGNAL)]]),
    "acknowledged, retraining, another student": (
        History(
            [signal(0)],
            events=[event(1, ACK), event(2, RETRAINING)],
            deployments=[deployment(-9), deployment(5, "v2")],
        ),
        [
            [
                (ALARM, 0, Cause.SIGNAL),
                (ACK, 1, Cause.ANSWER),
                (RETRAINING, 2, Cause.ANSWER),
                (RECOVERED, 5, Cause.DEPLOYMENT),
                (OK, 29, Cause.TIME),
            ]
        ],
    ),
    "a retraining that came to nothing is an alarm again": (
        History([signal(0)], events=[event(1, RETRAINING), event(2, ALARM)]),
        [[(ALARM, 0, Cause.SIGNAL), (RETRAINING, 1, Cause.ANSWER), (ALARM, 2, Cause.ANSWER)]],
    ),
    "low evidence for the cooldown": (
        History([signal(0)], readings=CALM_FROM_2),
        [[(ALARM, 0, Cause.SIGNAL), (RECOVERED, 26, Cause.EVIDENCE), (OK, 50, Cause.TIME)]],
    ),
    "evidence that rises to a half starts the wait again": (
        History([signal(0)], readings=[*CALM_FROM_2[:20], reading(20.5, 0.5), *CALM_FROM_2[20:]]),
        [[(ALARM, 0, Cause.SIGNAL)]],
    ),
    "too few observations are no evidence": (
        History([signal(0)], readings=[reading(at, 0.0, samples=100 + at // 4) for at in range(1, 60)]),
        [[(ALARM, 0, Cause.SIGNAL)]],
    ),
    "a detector that begins afresh begins to wait afresh": (
        History([signal(0)], readings=[reading(at, 0.1, samples=10 * (at % 20)) for at in range(1, 60)]),
        [[(ALARM, 0, Cause.SIGNAL)]],
    ),
    "an alarm that comes again while somebody is at work changes nothing": (
        History([signal(0), signal(25)], events=[event(1, ACK)]),
        [[(ALARM, 0, Cause.SIGNAL), (ACK, 1, Cause.ANSWER)]],
    ),
    "an answer to the newer signal answers the episode": (
        History([signal(0), signal(25)], events=[event(26, ACK, of="agreement-25")]),
        [[(ALARM, 0, Cause.SIGNAL), (ACK, 26, Cause.ANSWER)]],
    ),
    "an alarm soon after the recovery is the same episode": (
        History([signal(0), signal(30)], readings=CALM_FROM_2),
        [[(ALARM, 0, Cause.SIGNAL), (RECOVERED, 26, Cause.EVIDENCE), (ALARM, 30, Cause.SIGNAL)]],
    ),
    "an alarm after it is another": (
        History([signal(0), signal(51)], readings=CALM_FROM_2, events=[event(52, ACK, of="agreement-0")]),
        [
            [(ALARM, 0, Cause.SIGNAL), (RECOVERED, 26, Cause.EVIDENCE), (OK, 50, Cause.TIME)],
            [(ALARM, 51, Cause.SIGNAL)],
        ],
    ),
    "harmless closes it; what is said later is not heard": (
        History([signal(0)], events=[event(1, OK), event(2, ACK)]),
        [[(ALARM, 0, Cause.SIGNAL), (OK, 1, Cause.ANSWER)]],
    ),
    "a canary share is no other student, and a new reference answers warnings only": (
        History([signal(0), signal(0, reason="drift")], deployments=[deployment(-9), deployment(3, reference="r2")]),
        [
            [(ALARM, 0, Cause.SIGNAL)],
            [(WARNING, 0, Cause.SIGNAL), (RECOVERED, 3, Cause.DEPLOYMENT), (OK, 27, Cause.TIME)],
        ],
    ),
    "all detectors of a reason must be calm": (
        History(
            [signal(0, reason="drift", detector="novelty"), signal(1, reason="drift", detector="clusters")],
            readings=[reading(at, 0.1, detector="novelty") for at in range(2, 60)],
        ),
        [[(WARNING, 0, Cause.SIGNAL)]],
    ),
    "a sunset is over when it is told no more, and no student ends it": (
        History(
            [signal(0, reason="teacher_sunset"), signal(168, reason="teacher_sunset")],
            deployments=[deployment(5, "v2")],
        ),
        [[(WARNING, 0, Cause.SIGNAL), (RECOVERED, 408, Cause.TIME), (OK, 432, Cause.TIME)]],
    ),
    "a recorded recovery holds without the readings": (
        History([signal(0)], events=[event(7, RECOVERED, by=MONITORS)]),
        [[(ALARM, 0, Cause.SIGNAL), (RECOVERED, 7, Cause.EVIDENCE), (OK, 31, Cause.TIME)]],
    ),
    "nobody may say that it recovered": (
        History([signal(0)], events=[event(7, RECOVERED, by="ada")]),
        [[(ALARM, 0, Cause.SIGNAL)]],
    ),
}


@pytest.mark.parametrize(("history", "wanted"), CASES.values(), ids=CASES)
def test_the_life_of_a_signal(history, wanted):
    """What was recorded gives these states, at these hours, for these causes."""
    assert told(history, 1000) == wanted


@pytest.mark.parametrize(
    ("now", "state"), [(-1, None), (0, ALARM), (1, ACK), (26, RECOVERED), (49, RECOVERED), (50, OK)]
)
def test_what_is_not_yet_is_not_told(now, state):
    """A look at an earlier time sees what was known then."""
    history = History([signal(0)], readings=CALM_FROM_2, events=[event(1, ACK)])
    found = episodes(history, RULES, now=hours(now))
    assert [episode.state for episode in found] == ([] if state is None else [state])


STATES = st.sampled_from(list(SignalState))
HOURS = st.floats(0, 300).map(lambda at: round(at, 2))
EVENTS = st.lists(st.builds(event, HOURS, STATES, of=st.sampled_from(["agreement-0", "drift-5"])), max_size=12)
READINGS = st.lists(st.builds(reading, HOURS, st.floats(0, 1.2)), max_size=40)
DEPLOYMENTS = st.lists(st.builds(deployment, HOURS, st.sampled_from(["v1", "v2"])), max_size=4)
SIGNALS = st.lists(st.builds(signal, HOURS, reason=st.sampled_from(["agreement", "drift"])), max_size=6)


@given(SIGNALS, EVENTS, READINGS, DEPLOYMENTS, st.randoms(use_true_random=False))
def test_only_what_the_table_allows_happens(more, events, readings, deployments, order: random.Random):
    """Whatever was recorded, each step is legal and in order of time, and the order of reading does not matter."""
    signals = sorted([signal(0), signal(5, reason="drift"), *more], key=lambda one: one.at)
    deployments.sort(key=lambda one: one.at)
    history = History(signals, events=events, readings=readings, deployments=deployments)
    found = episodes(history, RULES, now=hours(500))
    for episode in found:
        before = OK
        for step in episode.steps:
            assert step.cause in TRANSITIONS[before][step.state]
            before = step.state
        assert [step.at for step in episode.steps] == sorted(step.at for step in episode.steps)
    assert sorted(one for episode in found for one in episode.signal_ids) == sorted(one.id for one in signals)
    distinct = {(each.at, type(each)) for each in (*events, *readings)}
    if len(distinct) == len(events) + len(readings):
        order.shuffle(readings)
        order.shuffle(events)
        shuffled = History(signals, events=events, readings=readings, deployments=deployments)
        assert episodes(shuffled, RULES, now=hours(500)) == found

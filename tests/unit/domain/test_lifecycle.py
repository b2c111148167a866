from __future__ import annotations

import pytest

from domain.episodes import episodes
from domain.errors import PreceptorError
from domain.follow_up import SignalState
from domain.lifecycle import MONITORS, TRANSITIONS, Cause, History, Rules, answer, recoveries, standing
from domain.settings import SignalSettings
from tests.unit.domain.life_samples import RULES, deployment, event, hours, signal

OK, WARNING, ALARM, ACK, RETRAINING, RECOVERED = SignalState


def life(*events, reason: str = "agreement", now: float = 10, **records):
    """The only episode of one signal."""
    (found,) = episodes(History([signal(0, reason=reason)], events=events, **records), RULES, now=hours(now))
    return found


def test_the_table_has_every_state_and_a_way_back():
    """From each state there is a way to ok, so that no task is stuck."""
    assert TRANSITIONS.keys() == set(SignalState)
    for state in SignalState:
        reached, new = set(), {state}
        while new:
            reached |= new
            new = {after for one in new for after in TRANSITIONS[one]} - reached
        assert OK in reached


@pytest.mark.parametrize(
    ("reason", "events", "state", "problem"),
    [
        ("agreement", [], ACK, ""),
        ("agreement", [], RETRAINING, ""),
        ("agreement", [], OK, ""),
        ("drift", [], ACK, ""),
        ("drift", [], RETRAINING, "it can become acknowledged, ok"),
        ("drift", [], ALARM, "signal drift-0 (drift) is warning, so it cannot be alarm"),
        ("agreement", [event(1, ACK)], ACK, "is acknowledged, so it cannot be acknowledged; it can become retraining"),
        ("agreement", [event(1, RETRAINING)], OK, "it can become alarm"),
        ("agreement", [event(1, RETRAINING)], ALARM, ""),
        ("agreement", [event(1, OK)], ACK, "there is nothing to answer"),
        ("agreement", [], RECOVERED, "so it cannot be recovered"),
    ],
)
def test_an_answer_is_taken_or_refused_in_words(reason, events, state, problem):
    """The refusal names the signal, where it stands and what can be said."""
    episode = life(*events, reason=reason)
    if problem:
        with pytest.raises(PreceptorError) as caught:
            answer(episode, state, at=hours(5), by="ada")
        assert problem in str(caught.value)
    else:
        said = answer(episode, state, at=hours(5), by="ada", note="why")
        assert (said.signal_id, said.state, said.by, said.note) == (f"{reason}-0", state, "ada", "why")
        assert life(*events, said, reason=reason).state is state


def test_two_who_answer_at_once_say_one_thing():
    """Whoever comes second has the same id, which the store keeps once; the next answer has another."""
    episode = life()
    first, second = (answer(episode, ACK, at=hours(at), by=by) for at, by in ((1, "ada"), (1.1, "ben")))
    assert first.id == second.id
    assert answer(life(first), RETRAINING, at=hours(2), by="ben").id != first.id
    again = life(event(1, RETRAINING), event(2, ALARM), event(3, RETRAINING))
    assert answer(again, ALARM, at=hours(4), by="ada").id != answer(life(event(1, RETRAINING)), ALARM, at=0, by="a").id


def test_recoveries_are_recorded_once():
    """The event says when and why, has the same id whoever computes it, and is not owed when it is known."""
    recovered = life(deployments=[deployment(-1), deployment(4, "v2")])
    (event_,) = recoveries([recovered], [])
    assert (event_.state, event_.at, event_.by, event_.note) == (RECOVERED, hours(4), MONITORS, Cause.DEPLOYMENT)
    assert recoveries([life(now=20, deployments=[deployment(-1), deployment(4, "v2")])], []) == [event_]
    assert recoveries([recovered], [event_]) == []
    assert life(event_).steps[-1].at == hours(4)


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([], OK),
        ([OK, RECOVERED], RECOVERED),
        ([WARNING, RECOVERED], WARNING),
        ([WARNING, ACK], ACK),
        ([ACK, RETRAINING], RETRAINING),
        ([RETRAINING, ALARM, OK], ALARM),
    ],
)
def test_a_task_stands_where_its_most_urgent_signal_does(states, worst):
    """An alarm nobody has seen comes before all others."""
    by_state = {
        OK: life(event(1, OK)), ACK: life(event(1, ACK)), RETRAINING: life(event(1, RETRAINING)), ALARM: life(),
        WARNING: life(reason="drift"), RECOVERED: life(deployments=[deployment(4, "v2")]),
    }  # fmt: skip
    assert standing(by_state[state] for state in states) is worst


def test_the_rules_are_those_of_the_task():
    """The cooldown of its signals is the time that evidence must stay low."""
    assert Rules.of(SignalSettings(cooldown="2h")).cooldown_s == 7200.0

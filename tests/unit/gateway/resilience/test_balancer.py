"""The balancer: the least busy replica that works."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UpstreamFailure
from gateway.resilience.balancer import Balancer
from tests.unit.gateway.resilience.fakes import replicas


def break_(replica, at=0.0):
    """Open the breaker of a replica that takes one failure."""
    replica.leave(replica.enter(), well=False, now=at)


def test_ties_go_in_rotation():
    """Replicas that are equally busy get equally many calls."""
    three = replicas(3)
    balancer = Balancer("x", three)
    chosen = [balancer.choose(0.0) for _ in range(6)]
    assert chosen == [*three, *three]


@pytest.mark.parametrize(
    ("outstanding", "broken", "used", "chosen"),
    [
        ((2, 1, 3), (), (), 1),
        ((2, 0, 3), (1,), (), 0),
        ((0, 5, 9), (), (0,), 1),
        ((0, 5, 9), (), (0, 1), 2),
        ((0, 5, 9), (), (0, 1, 2), 0),
        ((0, 5, 9), (), (0, 1, 2, 0), 1),
        ((0, 5, 9), (1, 2), (0,), 0),
        ((0, 0, 0), (0, 1, 2), (), None),
    ],
)
def test_the_fewest_calls_win_among_those_that_work(outstanding, broken, used, chosen):
    """What the call has used already comes last, and a broken replica not at all."""
    three = replicas(3, failures=1)
    for number in broken:
        break_(three[number])
    for replica, calls in zip(three, outstanding, strict=True):
        replica.outstanding = calls
    found = Balancer("x", three).choose(0.0, [three[number] for number in used])
    assert found is (None if chosen is None else three[chosen])


@given(st.lists(st.integers(min_value=0, max_value=4), min_size=1, max_size=6), st.integers(min_value=0, max_value=9))
def test_no_replica_is_less_busy_than_the_chosen_one(loads, turns):
    """Wherever the rotation stands."""
    some = replicas(len(loads))
    balancer = Balancer("x", some)
    for _ in range(turns):
        balancer.choose(0.0)
    for replica, load in zip(some, loads, strict=True):
        replica.outstanding = load
    assert balancer.choose(0.0).outstanding == min(loads)


def test_a_single_replica_is_left_alone_too():
    """Its breaker counts as it does among many, and it may be probed in time."""
    (one,) = replicas(1, failures=1, open_s=2.0)
    balancer = Balancer("x", [one])
    assert balancer.choose(0.0) is one
    break_(one)
    assert balancer.choose(1.0) is None
    assert balancer.choose(2.0, [one]) is one


def test_the_refusal_says_when_to_come_back():
    """The first replica that may be probed decides; a probe under way ends when it ends."""
    two = replicas(2, failures=1, open_s=2.0)
    break_(two[0], at=0.0)
    break_(two[1], at=1.0)
    balancer = Balancer("local", two)
    refusal = balancer.refusal(1.5)
    assert refusal.kind is UpstreamFailure.OVERLOADED
    assert "upstream local" in str(refusal)
    assert "in 0.5 s" in str(refusal)
    two[0].enter()
    assert "probe" in str(balancer.refusal(2.5))

"""A deadline: met to the moment however often it moves, with one timer."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.deadline import LOOK_S, Deadline


class Loop:
    """Time that moves from one timer to the next."""

    def __init__(self) -> None:
        self.now, self.timers = 0.0, []

    def time(self):
        return self.now

    def call_later(self, delay, callback):
        timer = Timer(self.now + delay, callback)
        self.timers.append(timer)
        return timer

    def run(self, until):
        """Run what is due until then."""
        while due := [timer for timer in self.waiting if timer.at <= until]:
            timer = min(due, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.now = timer.at
            timer.callback()
        self.now = until

    @property
    def waiting(self):
        """The timers that are set."""
        return [timer for timer in self.timers if not timer.cancelled]


class Timer:
    def __init__(self, at, callback) -> None:
        self.at, self.callback, self.cancelled = at, callback, False

    def cancel(self):
        self.cancelled = True


def _started():
    loop, passed = Loop(), []
    deadline = Deadline(loop, lambda: passed.append(loop.now))
    deadline.start()
    return loop, deadline, passed


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(LOOK_S, 300)), max_size=8))
def test_the_last_move_counts(moves):
    """However a deadline moves, it passes at the moment it was last moved to, and only one timer is set."""
    loop, deadline, passed = _started()
    for wait, seconds in moves:
        deadline.within(seconds)
        loop.run(min(loop.now + wait, deadline.at - 0.01))
        assert (passed, len(loop.waiting)) == ([], 1)
    deadline.within(LOOK_S)
    expected = deadline.at
    loop.run(expected + 0.01)
    assert [round(at - expected, 6) for at in passed] == [0]


def test_no_deadline_never_passes():
    """A request that is being answered has none."""
    loop, deadline, passed = _started()
    deadline.at = math.inf
    loop.run(10_000)
    assert passed == []


def test_a_deadline_can_be_soon():
    """Sooner than the next look; and it passes again until it is moved."""
    loop, deadline, passed = _started()
    deadline.soon(5)
    loop.run(5 + LOOK_S)
    assert passed == [5, 5 + LOOK_S]


def test_a_deadline_has_a_latest_moment():
    """It is moved towards that moment and not beyond it."""
    loop, deadline, passed = _started()
    deadline.within(60, latest=40)
    loop.run(41)
    assert passed == [40]


def test_a_closed_deadline_leaves_no_timer():
    """The connection can be forgotten at once."""
    loop, deadline, _ = _started()
    deadline.close()
    assert loop.waiting == []

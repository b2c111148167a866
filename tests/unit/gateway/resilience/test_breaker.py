"""The breaker: examples, and a state machine against a model that remembers the whole history."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from domain.settings import BreakerSettings
from gateway.resilience.breaker import Breaker

SETTINGS = BreakerSettings(failures=3, open_s=2.0, most_open_s=5.0)


def opened(at: float = 0.0) -> Breaker:
    """A breaker that opened at that time."""
    breaker = Breaker(SETTINGS)
    for _ in range(SETTINGS.failures):
        breaker.failed(breaker.enter(), at)
    return breaker


def test_failures_in_a_row_open_it():
    """One failure less than configured does not, and a success starts the row again."""
    breaker = Breaker(SETTINGS)
    for well in (False, False, True, False, False):
        ticket = breaker.enter()
        if well:
            breaker.succeeded(ticket)
        else:
            breaker.failed(ticket, 0.0)
    assert breaker.admits(0.0)
    breaker.failed(breaker.enter(), 0.0)
    assert not breaker.admits(0.0)
    assert breaker.wait_s(0.5) == 1.5


def test_one_probe_at_a_time():
    """After the open period one call may go; while it is under way no other may."""
    breaker = opened()
    assert [breaker.admits(now) for now in (0.0, 1.9, 2.0)] == [False, False, True]
    ticket = breaker.enter()
    assert not breaker.admits(100.0)
    breaker.succeeded(ticket)
    assert breaker.closed
    assert breaker.failures == 0


@pytest.mark.parametrize(("probes", "open_s"), [(0, 2.0), (1, 4.0), (2, 5.0), (9, 5.0)])
def test_failed_probes_double_the_open_period_up_to_its_limit(probes, open_s):
    """2, 4, then 5 seconds for ever."""
    breaker, now = opened(), 0.0
    for _ in range(probes):
        now += breaker.wait_s(now)
        breaker.failed(breaker.enter(), now)
    assert breaker.wait_s(now) == open_s


def test_the_open_period_is_short_again_after_a_recovery():
    """What went before a success does not count."""
    breaker = opened()
    breaker.failed(breaker.enter(), 2.0)
    breaker.succeeded(breaker.enter())
    for _ in range(SETTINGS.failures):
        breaker.failed(breaker.enter(), 10.0)
    assert breaker.wait_s(10.0) == SETTINGS.open_s


def test_a_cancelled_probe_gives_its_place_back():
    """The next call may probe at once."""
    breaker = opened()
    breaker.left(breaker.enter())
    assert breaker.admits(2.0)
    assert not breaker.closed


@pytest.mark.parametrize("well", [True, False, None])
def test_a_late_result_of_a_call_that_began_before_it_opened_changes_nothing(well):
    """Neither while it is open, nor during a probe, nor after the recovery."""
    breaker = Breaker(SETTINGS)
    late = [breaker.enter() for _ in range(3)]
    for _ in range(SETTINGS.failures):
        breaker.failed(breaker.enter(), 0.0)

    def tell() -> None:
        ticket = late.pop()
        if well is None:
            breaker.left(ticket)
        elif well:
            breaker.succeeded(ticket)
        else:
            breaker.failed(ticket, 1.0)

    tell()
    assert (breaker.closed, breaker.wait_s(1.0)) == (False, 1.0)
    probe = breaker.enter()
    tell()
    assert not breaker.admits(2.0)
    breaker.succeeded(probe)
    tell()
    assert (breaker.closed, breaker.failures) == (True, 0)


class Call(msgspec.Struct, eq=False):
    """A call of the model: when it began, and what the breaker gave it."""

    begun: int
    ticket: int


class History:
    """The model: no state but what happened, read anew each time."""

    def __init__(self) -> None:
        self.results: list[tuple[int, str, float]] = []  # (index of the begin, how it ended, when)
        self.running: list[Call] = []

    def read(self) -> tuple[bool, float, int]:
        """Whether it is closed, until when it is open, and at which index it last opened."""
        closed, until, opening, period, row = True, 0.0, 0, 0.0, 0
        for index, (begun, how, at) in enumerate(self.results, start=1):
            if begun < opening or how == "left":
                continue
            if how == "well":
                closed, row = True, 0
                continue
            row += 1
            if not closed or row >= SETTINGS.failures:
                period = SETTINGS.open_s if closed else min(period * 2, SETTINGS.most_open_s)
                closed, until, opening = False, at + period, index
        return closed, until, opening

    def admits(self, now: float) -> bool:
        """Closed, or late enough with nothing running that began since it opened."""
        closed, until, opening = self.read()
        return closed or (now >= until and not any(call.begun >= opening for call in self.running))


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin and end in any order, at any time."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker(SETTINGS)
        self.model = History()
        self.promised = 0.0

    @rule(halves=st.integers(min_value=1, max_value=12))
    def pass_time(self, halves: int) -> None:
        """Up to six seconds."""
        self.now += halves / 2

    @rule(target=calls)
    def begin(self) -> Call | None:
        """A call goes if it is admitted."""
        if not self.breaker.admits(self.now):
            return None
        call = Call(len(self.model.results), self.breaker.enter())
        self.model.running.append(call)
        return call

    @rule(call=consumes(calls), how=st.sampled_from(["well", "badly", "badly", "left"]))
    def end(self, call: Call | None, how: str) -> None:
        """A call ends."""
        if call is None:
            return
        if how == "well":
            self.breaker.succeeded(call.ticket)
        elif how == "left":
            self.breaker.left(call.ticket)
        else:
            self.breaker.failed(call.ticket, self.now)
        self.model.running.remove(call)
        self.model.results.append((call.begun, how, self.now))

    @invariant()
    def agrees(self) -> None:
        """It is in the state that the history says."""
        closed, until, _ = self.model.read()
        assert self.breaker.closed is closed
        assert self.breaker.admits(self.now) is self.model.admits(self.now)
        assert self.breaker.wait_s(self.now) == (0.0 if closed else max(0.0, until - self.now))

    @invariant()
    def never_breaks_its_word(self) -> None:
        """A wait that was announced is never shortened."""
        assert not self.breaker.admits(self.now) or self.now >= self.promised
        self.promised = max(self.promised, self.now + self.breaker.wait_s(self.now))


BreakerMachine.TestCase.settings = hypothesis_settings(
    max_examples=80, stateful_step_count=50, deadline=None, derandomize=True
)
TestBreakerMachine = BreakerMachine.TestCase

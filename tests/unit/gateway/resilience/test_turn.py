"""Turns: what an attempt took comes back once, with what it says about the replica."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import UpstreamFailure
from gateway.resilience.metrics import UpstreamMetrics
from gateway.resilience.slots import Slots
from gateway.resilience.turn import Turn
from tests.unit.gateway.resilience.fakes import Answer, Stream, error, name, replicas, settings


class Bench:
    """A replica that has failed once and opens at the third failure, and one slot."""

    def __init__(self) -> None:
        upstream = name()
        self.metrics = UpstreamMetrics(upstream, 1)
        self.slots = Slots(upstream, settings(max_concurrency=1), metrics=self.metrics)
        (self.replica,) = replicas(1, failures=3)
        self.replica.leave(self.replica.enter(), well=False, now=0.0)

    def turn(self) -> Turn:
        """A new turn."""
        assert self.slots.take_now()
        return Turn(self.slots, self.replica, metrics=self.metrics)

    @property
    def held(self) -> tuple[int, int]:
        """Slots and places that are taken."""
        return self.slots.running, self.replica.outstanding

    def counted(self, outcome: str) -> float:
        """How many attempts ended so."""
        return self.metrics.attempts(outcome)._value.get()


@pytest.mark.parametrize(
    ("outcome", "failures", "counted"),
    [
        (Answer(200), 0, "ok"),
        (Answer(404), 0, "status"),
        (Answer(429), 0, "status"),
        (Answer(501), 0, "status"),
        (Answer(500), 2, "status"),
        (Answer(503), 2, "status"),
    ],
)
async def test_a_whole_answer_ends_the_turn(outcome, failures, counted):
    """An answer of any kind ends the row of failures, unless the server says that it is broken."""
    bench = Bench()
    bench.turn().answered(outcome)
    assert bench.replica.breaker.failures == failures
    assert bench.held == (0, 0)
    assert bench.counted(counted) == 1.0


@pytest.mark.parametrize(("well", "failures"), [(True, 0), (False, 2)])
async def test_a_stream_holds_its_turn_until_its_end(well, failures):
    """And only its end says how it was."""
    bench, stream = Bench(), Stream()
    bench.turn().answered(stream)
    assert bench.held == (1, 1)
    assert bench.replica.breaker.failures == 1
    stream.end(well=well)
    assert bench.held == (0, 0)
    assert bench.replica.breaker.failures == failures


@pytest.mark.parametrize(
    ("raised", "failures", "counted"),
    [
        (error(UpstreamFailure.CONNECT), 2, 1.0),
        (error(UpstreamFailure.TIMEOUT), 2, 1.0),
        (error(UpstreamFailure.DISCONNECT), 2, 1.0),
        (error(UpstreamFailure.PROTOCOL), 2, 1.0),
        (error(UpstreamFailure.OVERLOADED), 1, 1.0),
        (asyncio.CancelledError(), 1, 0.0),
        (ValueError("a fault of ours"), 1, 0.0),
    ],
)
async def test_an_attempt_that_raises_ends_the_turn(raised, failures, counted):
    """Only what the replica did counts against it, and only attempts of upstreams are counted."""
    bench = Bench()
    bench.turn().failed(raised)
    assert bench.replica.breaker.failures == failures
    assert bench.held == (0, 0)
    assert sum(bench.counted(str(kind)) for kind in UpstreamFailure) == counted


async def test_a_stream_that_begins_ends_the_probe():
    """Other calls need not wait for its end."""
    bench, stream = Bench(), Stream()
    for _ in range(2):
        bench.replica.leave(bench.replica.enter(), well=False, now=0.0)
    bench.turn().answered(stream)
    assert bench.replica.breaker.closed
    assert bench.held == (1, 1)
    stream.end()


async def test_a_probe_that_is_cancelled_gives_its_place_back():
    """Else nobody would ever ask the replica again."""
    bench = Bench()
    for _ in range(2):
        bench.replica.leave(bench.replica.enter(), well=False, now=0.0)
    breaker = bench.replica.breaker
    turn = bench.turn()
    assert not breaker.admits(1e9)
    turn.failed(asyncio.CancelledError())
    assert breaker.admits(1e9)

"""Replicas: they count their calls and say once what their breaker did."""

from __future__ import annotations

import logging

import pytest

from tests.unit.gateway.resilience.fakes import replicas


def fail(replica, times, now=0.0):
    """So many calls that go badly."""
    for _ in range(times):
        replica.leave(replica.enter(), well=False, now=now)


def gauge(replica):
    """What the metric says."""
    return replica._gauge._value.get()


def test_it_counts_the_calls_that_are_with_it():
    """A call counts from its beginning to its end, however that was."""
    (replica,) = replicas(1)
    tickets = [replica.enter() for _ in range(3)]
    assert replica.outstanding == 3
    for ticket, well in zip(tickets, (True, False, None), strict=True):
        replica.leave(ticket, well=well, now=0.0)
    assert replica.outstanding == 0


def test_opening_and_closing_are_told_once_each(caplog):
    """Probes that fail in between are silent, and the gauge is 1 all the while."""
    (replica,) = replicas(1, failures=2, open_s=1.0)
    with caplog.at_level(logging.INFO):
        fail(replica, 2)
        assert gauge(replica) == 1
        fail(replica, 1, now=1.0)
        fail(replica, 1, now=3.0)
        assert gauge(replica) == 1
        replica.leave(replica.enter(), well=True, now=7.0)
    assert gauge(replica) == 0
    told = [(record.levelname, record.message.split(" upstream")[0]) for record in caplog.records]
    assert told == [("WARNING", "breaker_open"), ("INFO", "breaker_closed")]
    assert caplog.messages[0].endswith("replica=0 failures=2 for_s=1.0")


def test_a_probe_that_begins_to_answer_is_enough():
    """A stream that goes on for minutes must not keep all other calls away, and its bad end is a failure like any."""
    (replica,) = replicas(1, failures=1)
    fail(replica, 1)
    ticket = replica.enter()
    replica.began(ticket)
    assert replica.breaker.closed
    assert gauge(replica) == 0
    replica.leave(ticket, well=False, now=5.0)
    assert not replica.breaker.closed


def test_beginnings_alone_do_not_end_a_row_of_failures():
    """Else streams that all break off would never open the breaker."""
    (replica,) = replicas(1, failures=3)
    for _ in range(3):
        ticket = replica.enter()
        replica.began(ticket)
        replica.leave(ticket, well=False, now=0.0)
    assert not replica.breaker.closed


@pytest.mark.parametrize("failures", [0, 1])
async def test_a_closed_replica_is_not_counted_as_open(failures):
    """After a reload another one stands in its place; what ends late changes no metric."""
    (replica,) = replicas(1, failures=1)
    late = replica.enter()
    fail(replica, failures)
    await replica.aclose()
    replica.leave(late, well=False, now=0.0)
    assert gauge(replica) == 0

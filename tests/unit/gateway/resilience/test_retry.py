"""The retry policy: which failures, and after which pause."""

from __future__ import annotations

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UpstreamFailure
from gateway.resilience.retry import asked_s, pause_s, retriable
from tests.unit.gateway.resilience.fakes import Answer, error

NOW = 1_700_000_000.0
DATE = email.utils.formatdate(NOW + 3, usegmt=True).encode()


def pause(failed, *, number=0, left_s=60.0, uniform=0.0):
    """The pause at a fixed wall time."""
    return pause_s(failed, number=number, left_s=left_s, uniform=uniform, wall_s=NOW)


@pytest.mark.parametrize("kind", list(UpstreamFailure))
def test_kinds_of_failures(kind):
    """What the network did may go well next time; a refusal to ask at all will not."""
    assert retriable(error(kind)) is (kind not in (UpstreamFailure.STATUS, UpstreamFailure.OVERLOADED))


@pytest.mark.parametrize("status", [200, *range(400, 600)])
def test_statuses(status):
    """Only those that may change on their own."""
    assert retriable(Answer(status)) is (status in {408, 409, 425, 429, 500, 502, 503, 504, 529})


@pytest.mark.parametrize(
    ("status", "said", "tried"),
    [(400, b"true", True), (503, b"false", False), (400, b"", False), (503, b"maybe", True), (200, b"true", False)],
)
def test_the_upstream_may_decide(status, said, tried):
    """`x-should-retry` overrides the status of an error."""
    assert retriable(Answer(status, [(b"x-should-retry", said)])) is tried


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({b"retry-after": b"2"}, 2.0),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after": b"-3"}, 0.0),
        ({b"retry-after": b"nan"}, 0.0),
        ({b"retry-after": b"soon"}, 0.0),
        ({b"retry-after": b"inf"}, float("inf")),
        ({b"retry-after": DATE}, 3.0),
        ({b"retry-after": DATE.replace(b"GMT", b"-0000")}, 3.0),
        ({b"retry-after": b"Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({b"retry-after": b"Sun, 99 Nov 99999999999999 08:49:37 GMT"}, 0.0),
        ({b"retry-after-ms": b"250", b"retry-after": b"9"}, 0.25),
        ({b"retry-after-ms": b"x", b"retry-after": b"4"}, 4.0),
    ],
)
def test_retry_after_is_read_in_every_form(headers, seconds):
    """Seconds, milliseconds, dates; nonsense and the past ask for nothing."""
    assert asked_s(headers, wall_s=NOW) == seconds


@given(st.binary(max_size=40))
def test_no_header_breaks_the_reader(value):
    """Whatever an upstream sends, there is a number of seconds."""
    assert asked_s({b"retry-after": value, b"retry-after-ms": value}, wall_s=NOW) >= 0.0


@pytest.mark.parametrize(
    ("asked", "left_s", "expected"),
    [
        (b"5", 60.0, 5.0),
        (b"5.1", 60.0, None),
        (b"3", 2.5, None),
        (b"3", 3.0, None),
        (b"3", 3.1, 3.0),
        (b"0", 0.0, None),
    ],
)
def test_an_answer_that_asks_for_too_much_is_the_answer(asked, left_s, expected):
    """More than five seconds, or more than is left: the client learns of it instead."""
    assert pause(Answer(429, [(b"retry-after", asked)]), left_s=left_s) == expected


@pytest.mark.parametrize(("number", "longest"), [(0, 0.1), (1, 0.2), (2, 0.4), (4, 1.6), (5, 2.0), (9, 2.0)])
def test_the_backoff_doubles_up_to_two_seconds(number, longest):
    """Full jitter: anything from nothing to the whole."""
    assert pause(error(), number=number, uniform=0.0) == 0.0
    assert pause(error(), number=number, uniform=0.5) == longest / 2


def test_those_who_were_told_the_same_time_do_not_come_back_together():
    """The jitter is added to what `Retry-After` asks for, never taken off."""
    assert pause(Answer(503, [(b"retry-after", b"1")]), uniform=0.5) == 1.05


@pytest.mark.parametrize("left_s", [0.0, -1.0, 0.05])
def test_a_timeout_at_the_deadline_is_final(left_s):
    """Nothing begins that has no time."""
    assert pause(error(UpstreamFailure.TIMEOUT), left_s=left_s, uniform=0.5) is None

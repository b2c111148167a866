from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.prices import FREE, Price
from domain.records import Usage
from monitors.costs import Costs

PRICE = Price(1.0, 2.0)  # a million tokens, so a token of input is 1e-6 dollars


def body(text: str = "hello", **fields) -> bytes:
    """A chat request."""
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields}).encode()


@pytest.mark.parametrize(
    ("request_body", "answer"),
    [
        (b"x" * 400, 256),
        (body("x" * 300), 256),
        (body("x" * 300, max_tokens=7), 7),
        (body("x" * 300, max_tokens=1000), 256),
        (body("x" * 300, max_tokens="many"), 256),
    ],
)
def test_the_first_call_is_guessed_from_its_request(request_body, answer):
    """Four bytes a token, and 256 tokens of answer, or as many as the request allows."""
    expected = PRICE.cost_usd(Usage(len(request_body) // 4, answer))
    assert Costs(PRICE).mean(request_body) == pytest.approx(expected)


@given(costs=st.lists(st.floats(1e-9, 10), min_size=1, max_size=120), request_body=st.binary(max_size=50))
def test_after_that_the_mean_counts_and_the_request_does_not(costs, request_body):
    """A long request has no smaller chance than a short one; the mean lies among what calls have cost."""
    known = Costs(PRICE)
    known.learn(costs)
    assert known.mean(request_body) == known.mean(b"")
    assert min(costs) * (1 - 1e-9) <= known.mean(b"") <= max(costs) * (1 + 1e-9)


def test_the_mean_follows_what_calls_cost_now():
    """Fifty calls at ten times the price, and it has gone most of the way."""
    known = Costs(PRICE)
    known.learn([0.001] * 200)
    assert known.mean(b"") == pytest.approx(0.001)
    known.learn([0.01] * 50)
    assert 0.006 < known.mean(b"") < 0.01


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, 16_384),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_output_tokens": 7}, 7),
        ({"max_completion_tokens": 6, "max_tokens": 5}, 6),
        ({"max_tokens": None}, 16_384),
        ({"max_tokens": -1}, 16_384),
    ],
)
def test_no_text_call_costs_more_than_its_ceiling(fields, answer):
    """Every byte a token, and the longest answer that the request allows."""
    request = body(**fields)
    assert Costs(PRICE).ceiling(request) == pytest.approx(PRICE.cost_usd(Usage(len(request), answer)))


def test_a_ceiling_is_never_below_the_mean():
    """Where pictures make calls dearer than their bytes, what was learned counts."""
    known = Costs(PRICE)
    known.learn([3.0])
    assert known.ceiling(body(max_tokens=1)) == 3.0


def test_what_is_free_costs_nothing():
    """A teacher without a price has no ceiling above zero."""
    assert Costs(FREE).mean(body()) == Costs(FREE).ceiling(body()) == 0.0

from __future__ import annotations

import pytest

from domain.errors import ConfigError, PreceptorError
from domain.prices import FREE, Price
from domain.records import Usage
from monitors.demand import DAY_S, demand
from tests.unit.monitors.samples import exchange, paired

NOW = 1_700_600_000.0
PRICE = Price(1.0, 2.0)
TWO_DAYS = [NOW - 2 * DAY_S + number * 172.8 for number in range(1000)]


def found(newest, pairs=(), *, times=TWO_DAYS, price=PRICE):
    """The demand of the task `intent`."""
    return demand(times, newest, pairs, task="intent", price=price, at=NOW)


def test_what_was_journalled_stands_for_all_traffic():
    """A thousand in two days, of which every second input was kept and three of four can become pairs."""
    rows = [exchange(number, "text", journal_rate=0.5, usable=number != 0) for number in range(4)]
    result = found(rows)
    assert result.exchanges_per_day == pytest.approx(1000)
    assert result.pairs_per_day == pytest.approx(750)
    assert result.observed_days == pytest.approx(2)


def test_answers_without_a_text_give_no_pairs():
    """An embedding is not compared."""
    rows = [exchange(0, "text"), exchange(1, "text", endpoint="/embeddings")]
    assert found(rows).pairs_per_day == pytest.approx(250)


def test_pairs_cost_what_the_last_ones_cost():
    """Those that cost nothing failed, or were never asked about."""
    pairs = [
        paired(0, agreed=True, cost_usd=0.02),
        paired(1, agreed=True, cost_usd=0.04),
        paired(2, agreed=True, cost_usd=0.0),
    ]
    result = found([exchange(0, "text")], pairs, price=None)
    assert result.usd_per_pair == pytest.approx(0.03)
    assert result.price_source == "mean of the last 2 pairs"


@pytest.mark.parametrize(
    ("usage", "tokens"), [(Usage(100, 10), (100, 10)), (Usage(), (len(exchange(0, "text").request) // 4, 256))]
)
def test_without_pairs_the_price_counts(usage, tokens):
    """For the student's tokens, or for what the bytes of the request suggest."""
    result = found([exchange(0, "text", usage=usage)])
    assert result.usd_per_pair == pytest.approx(PRICE.cost_usd(Usage(*tokens)))
    assert "preceptor.yaml" in result.price_source


def test_a_free_teacher_is_free():
    """A price of zero is one."""
    assert found([exchange(0, "text")], price=FREE).usd_per_pair == 0.0


def test_minutes_of_traffic_are_no_day():
    """They count as an hour: a burst at the start must not look like a flood."""
    assert found([exchange(0, "text")], times=[NOW - 60.0] * 10).exchanges_per_day == pytest.approx(240)


@pytest.mark.parametrize(
    ("times", "newest"), [([], []), (TWO_DAYS, [exchange(0, "text", usable=False)]), ([], [exchange(0, "text")])]
)
def test_no_traffic_is_told(times, newest):
    """With what to do."""
    with pytest.raises(PreceptorError, match="send traffic first"):
        found(newest, times=times)


def test_no_price_is_told():
    """By the path of the setting."""
    with pytest.raises(ConfigError, match=r"tasks\.intent\.teacher\.price: not given"):
        found([exchange(0, "text")], price=None)

from __future__ import annotations

import pytest

from domain.errors import ConfigError
from domain.prices import FREE, Price, list_price
from domain.records import Usage


def test_cost_is_per_million_tokens():
    """One million tokens each way must cost the sum of both prices."""
    assert Price(2.5, 10.0).cost_usd(Usage(1_000_000, 1_000_000)) == 12.5
    assert FREE.cost_usd(Usage(10**9, 10**9)) == 0.0


def test_list_price_says_whose_word_it_is():
    """A price must carry its source and date, so that a report can quote them."""
    price = list_price("gpt-4o", path="p")
    assert (price.input, price.output) == (2.5, 10.0)
    assert "litellm" in price.source
    assert "2026-11-24" in price.source


def test_unknown_model_names_the_setting():
    """The error must say which setting is wrong and what would do."""
    with pytest.raises(ConfigError, match=r"tasks\.t\.teacher\.price: no list price for 'gpt-9'.*gpt-4o"):
        list_price("gpt-9", path="tasks.t.teacher.price")

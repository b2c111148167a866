from __future__ import annotations

import pytest

from domain.errors import ConfigError
from domain.models import ModelSettings
from domain.prices import FREE, Price


def test_a_price_is_a_name_of_the_sheet_dollars_or_nothing() -> None:
    """All three forms give a price; without one the model is free."""
    assert ModelSettings(upstream="u", model="m").priced(path="p") == FREE
    own = Price(input=1.0, output=2.0)
    assert ModelSettings(upstream="u", model="m", price=own).priced(path="p") == own
    assert ModelSettings(upstream="u", model="m", price="gpt-4o").priced(path="p").output > 0


def test_an_unknown_price_names_its_key() -> None:
    """Whoever wrote it must find it."""
    with pytest.raises(ConfigError, match=r"tasks\.t\.teacher\.price"):
        ModelSettings(upstream="u", model="m", price="nobody").priced(path="tasks.t.teacher")

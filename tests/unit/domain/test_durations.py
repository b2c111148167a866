from __future__ import annotations

import pytest

from domain.durations import seconds


@pytest.mark.parametrize(
    ("text", "value"), [("30s", 30), ("15m", 900), ("24h", 86400), ("7d", 604800), ("1.5h", 5400), (" 2 m ", 120)]
)
def test_durations_people_write(text, value):
    """Every unit must be understood."""
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "h", "10", "10 weeks", "-1h", "1h30m", "1,5h"])
def test_other_texts_are_refused(text):
    """What is no duration must be refused with an example."""
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)

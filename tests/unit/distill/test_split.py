from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.examples import Example, content_key
from distill.split import Split, Test, Train, Validation, check_leakage, split
from domain.errors import DatasetError

MANY = [Example(f"input number {number}", "x") for number in range(2000)]


def test_shares_are_about_what_was_asked():
    """Of 2,000 rows a share of 0.15 is 300 +- 50 (three standard deviations)."""
    parts = split(MANY)
    assert abs(len(parts.validation.examples) - 300) < 50
    assert abs(len(parts.test.examples) - 300) < 50
    assert sum(map(len, (parts.train.examples, parts.validation.examples, parts.test.examples))) == 2000


@given(st.sets(st.integers(0, 1999), min_size=50))
def test_a_row_stays_where_it_was_in_every_data_set(chosen):
    """Held-out rows of the first student must be held out from the second, which has more rows."""
    whole = set(split(MANY).test.examples)
    part = split([MANY[number] for number in sorted(chosen)]).test.examples
    assert set(part) == whole & {MANY[number] for number in chosen}


def test_the_same_input_never_falls_apart():
    """Spellings that readers take for the same input must share a part."""
    doubles = [Example(text.upper() + " ", "y") for text in (example.text for example in MANY)]
    parts = split([*MANY, *doubles])
    keys = [{content_key(example.text) for example in part.examples} for part in (parts.train, parts.test)]
    assert not keys[0] & keys[1]


def test_leakage_is_refused():
    """A part that was put together by hand must not share an input with another."""
    leaky = Split(Train((Example("Same  input", "a"),)), Validation(()), Test((Example("same input", "b"),)))
    with pytest.raises(DatasetError, match="1 inputs stand in two"):
        check_leakage(leaky)


def test_nothing_to_train_on_is_refused():
    """An empty data set must say so, not fail in a trainer."""
    with pytest.raises(DatasetError, match="no training rows among 0 examples"):
        split([])

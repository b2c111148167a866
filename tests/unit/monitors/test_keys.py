from __future__ import annotations

import pytest

from monitors.keys import counting_key, near_duplicate_key
from tests.unit.monitors.samples import exchange

TEXT = "Where is order 1234 of 2026-01-31?"


@pytest.mark.parametrize(
    "other", ["where is ORDER 99 of 1/2/2025", "Where  is order #A-77 of 2024-12-01?", "where is order 1 of 2026.01.31"]
)
def test_numbers_ids_dates_case_and_blanks_do_not_matter(other):
    """Texts that differ in nothing else share a key."""
    assert near_duplicate_key(other.rstrip("?")) == near_duplicate_key(TEXT.rstrip("?"))


@pytest.mark.parametrize("other", ["Where was order 1234 of 2026-01-31?", "", "order 1234"])
def test_other_words_give_another_key(other):
    """Words do matter, and the key is sixteen hex digits without the text in it."""
    key = near_duplicate_key(other)
    assert key != near_duplicate_key(TEXT)
    assert len(key) == 16
    int(key, 16)


@pytest.mark.parametrize(
    ("user", "cluster", "one_per_user", "key"),
    [
        ("ada", 3, True, "ada:3"),
        ("ada", 3, False, near_duplicate_key(TEXT)),
        ("", 3, True, near_duplicate_key(TEXT)),
        ("ada", None, True, near_duplicate_key(TEXT)),
    ],
)
def test_a_user_counts_once_for_a_topic_where_that_is_wanted(user, cluster, one_per_user, key):
    """Without a user, or without a topic, near-duplicates are what counts once."""
    assert counting_key(exchange(1, TEXT, user=user), cluster, one_per_user=one_per_user) == key

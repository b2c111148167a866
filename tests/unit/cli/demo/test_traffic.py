from __future__ import annotations

from collections import Counter

import pytest

from cli.demo.traffic import KNOWN, NEW, grammar, tickets
from domain.errors import DatasetError


def test_tickets_differ_and_are_balanced():
    """Every text must come once, and every intent about equally often."""
    dataset = tickets(known=1600, new=400, seed=1)
    assert len({row.text for row in dataset.rows}) == 2000
    counts = Counter(row.label for row in dataset.of(new=False))
    assert len(counts) == 8
    assert set(counts.values()) == {200}
    assert {row.domain for row in dataset.of(new=True)} == {NEW}


def test_the_same_seed_gives_the_same_tickets():
    """A run must be repeatable."""
    assert tickets(known=50, new=20, seed=4) == tickets(known=50, new=20, seed=4)
    assert tickets(known=50, new=20, seed=4) != tickets(known=50, new=20, seed=5)


def test_either_domain_may_be_the_new_one():
    """--new-domain must swap the domains, and refuse a name that the grammar does not have."""
    assert {row.domain for row in tickets(known=10, new=5, seed=1, new_domain=KNOWN).of(new=True)} == {KNOWN}
    with pytest.raises(DatasetError, match="no domain 'sea'; the built-in grammar has shop, travel"):
        tickets(known=10, new=5, seed=1, new_domain="sea")


def test_every_slot_of_the_grammar_is_filled():
    """No ticket may show a brace, and no template may name a slot that is not there."""
    language = grammar()
    for row in tickets(known=4000, new=2000, seed=2).rows:
        assert "{" not in row.text
        assert row.text.strip()
    assert set(language.domains) == {KNOWN, NEW}
    assert not set(language.domains[KNOWN]) & set(language.domains[NEW])

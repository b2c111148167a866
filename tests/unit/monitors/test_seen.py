from __future__ import annotations

from domain.ports import Evidence
from monitors.seen import Found, SeenInput


def test_an_input_that_was_not_embedded_has_neither_novelty_nor_cluster():
    """None, not zero: it says nothing about either, and nothing is known of its words."""
    seen = SeenInput(1.0, "key")
    assert (seen.novelty, seen.cluster, seen.words) == (None, None, {})


def test_what_is_found_warns_unless_it_is_silent():
    """A detector speaks up by default, and without categories it knows none."""
    found = Found("novelty", 1.0, Evidence(1, 0.0, 0.0, False), "one")
    assert (found.silent, found.names) == (False, frozenset())

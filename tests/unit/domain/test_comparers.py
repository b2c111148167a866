from __future__ import annotations

import pytest

from domain.comparers import COMPARERS, comparer, normalise_label
from domain.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("refund", "refund"),
        (" Refund. ", "refund"),
        ('"refund"', "refund"),
        ("Address change", "address_change"),
        ("address-change", "address_change"),
        ("ADDRESS_CHANGE", "address_change"),
        ("`card_lost`", "card_lost"),
        ("\uff52\uff45fund", "refund"),
        ("refund\n", "refund"),
        ("", ""),
    ],
)
def test_labels_are_compared_as_people_mean_them(text, label):
    """Case, quotes, blanks and a full stop must not turn one label into two."""
    assert normalise_label(text) == label


@pytest.mark.parametrize(
    ("name", "student", "teacher", "agreed"),
    [
        ("exact", "a", "a", True),
        ("exact", "a", "A", False),
        ("label", "Refund.", "refund", True),
        ("label", "refund", "cancel", False),
        ("json", '{"a": 1, "b": [2]}', '{"b":[2],"a":1}', True),
        ("json", '{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ("json", "not json", "not json", False),
        ("json", "", "{}", False),
    ],
)
def test_comparers(name, student, teacher, agreed):
    """Each comparer must agree exactly on what its docstring says, and grade it 1 or 0."""
    comparison = COMPARERS[name](student, teacher)
    assert (comparison.agreed, comparison.score) == (agreed, float(agreed))


def test_unknown_comparer_names_the_setting():
    """The error must carry the path of the key and the names that exist."""
    with pytest.raises(ConfigError, match=r"tasks\.t\.agreement\.comparer: unknown comparer 'bleu'.*json, label"):
        comparer("bleu", path="tasks.t.agreement.comparer")

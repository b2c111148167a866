from __future__ import annotations

import inspect

from domain.chronicle import Chronicle
from domain.store import Store


def test_it_is_a_part_of_the_store():
    """Who has a store can replay what is in it."""
    methods = [name for name, value in vars(Chronicle).items() if inspect.isfunction(value) and name[0] != "_"]
    assert len(methods) == 4
    assert all(hasattr(Store, name) for name in methods)

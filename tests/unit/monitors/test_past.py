from __future__ import annotations

import inspect

import pytest

from domain.store import Store
from monitors.past import Past

METHODS = [name for name, value in vars(Past).items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
def test_the_store_is_a_past(name):
    """Names, defaults and order of the parameters are the store's."""
    ours, theirs = inspect.signature(getattr(Past, name)), inspect.signature(getattr(Store, name))
    assert list(ours.parameters.values()) == list(theirs.parameters.values())

from __future__ import annotations

import inspect

import pytest

from adapters.stores.sqlite import SqliteStore
from domain.store import Store, WorkBatch

METHODS = [name for name, value in vars(Store).items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
def test_the_embedded_store_takes_what_the_port_promises(name):
    """Parameter names and defaults must match: callers use keywords, which type checkers of plug-ins may not see."""
    promised, given = inspect.signature(getattr(Store, name)), inspect.signature(getattr(SqliteStore, name))
    assert [(p.name, p.kind, p.default) for p in promised.parameters.values()] == [
        (p.name, p.kind, p.default) for p in given.parameters.values()
    ]


def test_an_empty_batch_is_legal():
    """A worker that has nothing to write in one part must not have to say so."""
    batch = WorkBatch(owner="w", at=1.0)
    assert not any([batch.watched, batch.opened, batch.closed, batch.states, batch.readings, batch.signals])

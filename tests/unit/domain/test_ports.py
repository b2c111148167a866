from __future__ import annotations

import inspect

import pytest

from domain import ports

PROTOCOLS = [
    value
    for value in vars(ports).values()
    if inspect.isclass(value) and getattr(value, "_is_protocol", False) and value.__module__ == ports.__name__
]


def test_every_seam_is_there():
    """A port that is renamed breaks plug-ins of other people, so the list is written down."""
    assert {port.__name__ for port in PROTOCOLS} == {
        "Check", "Detector", "Embedder", "Notifier", "ReplyStream", "Student", "Upstream", "WaitingCheck",
    }  # fmt: skip


@pytest.mark.parametrize("port", PROTOCOLS, ids=lambda port: port.__name__)
def test_a_port_tells_its_implementers_what_is_expected(port):
    """Every method of a port must have a docstring: it is the contract."""
    methods = {
        name: value
        for name, value in vars(port).items()
        if inspect.isfunction(value) and (not name.startswith("_") or name == "__aiter__")
    }
    assert port.__doc__
    assert methods
    assert not [name for name, method in methods.items() if not method.__doc__]

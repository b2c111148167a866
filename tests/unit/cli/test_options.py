from __future__ import annotations

import msgspec
import pytest

from cli.options import choose_task
from domain import config
from domain.errors import ConfigError


def settings(*names):
    """Settings with tasks of these names."""
    model = {"upstream": "u", "model": "m"}
    task = {"teacher": model, "student": model, "output": {"text": {}}}
    document = {
        "upstreams": {"u": {"base_url": "http://x"}},
        "tasks": dict.fromkeys(names, task),
        "embedders": {"minilm": {}},
    }
    return config.parse(msgspec.to_builtins(document), environ={}, root=__import__("pathlib").Path())


def test_the_only_task_needs_no_name():
    """With one task, --task may be left out."""
    assert choose_task(settings("a"), "")[0] == "a"


def test_a_choice_must_be_made():
    """With several tasks the error must list them."""
    with pytest.raises(ConfigError, match="choose one with --task; configured are a, b"):
        choose_task(settings("a", "b"), "")


def test_an_unknown_task_is_refused():
    """A name that is not configured must be refused with the names that are."""
    with pytest.raises(ConfigError, match="no task 'c'; configured are a, b"):
        choose_task(settings("a", "b"), "c")

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from domain.errors import ConfigError
from policies.references import load


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_reference_is_the_object_in_the_module(folder: Path) -> None:
    """An attribute may lie deeper."""
    (folder / "operators_module.py").write_text("class Outer:\n    class Inner:\n        pass\n")
    outer = load("operators_module:Outer", key="object")
    assert load("operators_module:Outer.Inner", key="object") is outer.Inner
    del sys.modules["operators_module"]


@pytest.mark.parametrize(
    ("source", "reference", "problem"),
    [
        ("", "operators_broken", "'operators_broken' must be written as module:attribute"),
        ("", ":name", "':name' must be written as module:attribute"),
        ("", "operators_broken:", "'operators_broken:' must be written as module:attribute"),
        ("", "not_there:name", "cannot import not_there: there is no module not_there; install the package"),
        ("import not_there_either", "operators_broken:name", "there is no module not_there_either"),
        ("from os import nothing", "operators_broken:name", "cannot import name 'nothing' from 'os'"),
        ("", "operators_broken:name", "operators_broken has no name"),
        ("1 / 0", "operators_broken:name", "cannot import operators_broken: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "operators_broken:name", "cannot import operators_broken: SystemExit: 3"),
        ("raise ValueError('a\\nb')", "operators_broken:name", "ValueError: a"),
        ("raise ValueError", "operators_broken:name", "ValueError: ValueError"),
        ("def", "operators_broken:name", "SyntaxError"),
    ],
)
def test_what_cannot_be_loaded_is_a_configuration_error_in_one_line(
    folder: Path, source: str, reference: str, problem: str
) -> None:
    """The error has the key, names the module, and says what is wrong with it."""
    (folder / "operators_broken.py").write_text(source)
    with pytest.raises(ConfigError) as caught:
        load(reference, key="object")
    sys.modules.pop("operators_broken", None)
    assert caught.value.path == "object"
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)

from __future__ import annotations

import pytest

from domain.conversion import convert, resolve
from domain.errors import ConfigError
from domain.settings import ServerSettings


def test_a_good_value_becomes_its_shape() -> None:
    """What is not given has its default."""
    assert convert({"port": 1}, ServerSettings, "server") == ServerSettings(port=1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"prot": 1}, "server.prot: unknown key"),
        ({"port": "1"}, "server.port: Expected `int`, got `str`"),
        ({"port": 8001}, "server: port and admin_port must differ"),
        ([], "server: Expected `object`, got `array`"),
    ],
)
def test_a_bad_value_is_told_with_its_path(value: object, problem: str) -> None:
    """The path of the key, then what is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        convert(value, ServerSettings, "server")
    assert str(caught.value) == problem


def test_variables_are_replaced_wherever_they_stand() -> None:
    """In keys' values and in lists; other values stay."""
    value = {"a": ["${X}-${Y}", 1, None], "b": {"c": "no variable $X"}}
    assert resolve(value, {"X": "1", "Y": "2"}, "") == {"a": ["1-2", 1, None], "b": {"c": "no variable $X"}}


def test_a_variable_that_is_not_set_is_refused() -> None:
    """With the place that needs it."""
    with pytest.raises(ConfigError, match=r"^a.1: the environment variable X is not set"):
        resolve({"a": ["", "${X}"]}, {}, "")

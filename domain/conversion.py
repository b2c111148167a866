"""Plain values to settings: strict, and with the path of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from domain.errors import ConfigError

T = TypeVar("T")

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


def convert(value: Any, shape: type[T], path: str) -> T:
    """A value in its shape; `path` is its place in the configuration.

    Raises:
        ConfigError: a key in it is unknown, missing or bad.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        assert match is not None
        inner = (match["path"] or "").replace("[...]", "").replace("[", ".").replace("]", "").strip(".")
        problem = match["problem"]
        if unknown := _UNKNOWN.fullmatch(problem):
            inner, problem = f"{inner}.{unknown[1]}".strip("."), "unknown key"
        raise ConfigError(".".join(part for part in (path, inner) if part), problem) from None


def resolve(value: Any, environ: Mapping[str, str], path: str) -> Any:
    """A value with every ${NAME} in it replaced from the environment.

    Raises:
        ConfigError: a name is not set.
    """
    if isinstance(value, dict):
        return {key: resolve(item, environ, f"{path}.{key}".strip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, environ, f"{path}.{number}") for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        try:
            return environ[match[1]]
        except KeyError:
            raise ConfigError(path, f"the environment variable {match[1]} is not set") from None

    return _VARIABLE.sub(found, value)

"""When do student and teacher agree?  Pure functions, one per kind of output."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec

from domain.errors import ConfigError


class Comparison(msgspec.Struct, frozen=True):
    """Whether two answers count as the same, and a grade in [0, 1]."""

    agreed: bool
    score: float


Comparer = Callable[[str, str], Comparison]


def normalise_label(text: str) -> str:
    """A label as people mean it: NFKC, no quotes or full stop around it, lower case, `_` for blanks and hyphens."""
    plain = unicodedata.normalize("NFKC", text).strip().strip("\"'`.!").strip()
    return "_".join(plain.casefold().replace("-", " ").split())


def exact(student: str, teacher: str) -> Comparison:
    """Equal to the last character."""
    return _verdict(student == teacher)


def label(student: str, teacher: str) -> Comparison:
    """Equal as labels (see `normalise_label`)."""
    return _verdict(normalise_label(student) == normalise_label(teacher))


def json_equal(student: str, teacher: str) -> Comparison:
    """Equal as JSON values, whatever the order of keys; text that is no JSON never agrees."""
    try:
        return _verdict(_json(student) == _json(teacher))
    except (msgspec.DecodeError, RecursionError):  # nested too deeply to be an answer
        return _verdict(False)


COMPARERS: dict[str, Comparer] = {"exact": exact, "json": json_equal, "label": label}


def comparer(name: str, *, path: str) -> Comparer:
    """The comparer called `name`.

    Raises:
        ConfigError: there is none of that name; `path` is the setting that asked for it.
    """
    try:
        return COMPARERS[name]
    except KeyError:
        raise ConfigError(path, f"unknown comparer {name!r}; use one of {', '.join(sorted(COMPARERS))}") from None


def _json(text: str) -> Any:
    return msgspec.json.decode(text)


def _verdict(agreed: bool) -> Comparison:
    return Comparison(agreed, float(agreed))

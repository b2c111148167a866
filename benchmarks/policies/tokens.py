"""Strings that match a pattern, drawn at random: positives for every format of a public rule file."""

from __future__ import annotations

import importlib
import random
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_parser: Any = importlib.import_module("re._parser")  # the only parser of patterns in the standard library
_MORE = 8  # repetitions beyond the least
_WRITTEN = (
    '{name}_token = "{value}"', "{name}Token={value}", '"{name}_key": "{value}"', "{name}_secret: {value}",
    "{name}_api_key: '{value}'", 'var {name}Key = "{value}"', "{name}.secret => '{value}'", '{name}_KEY := "{value}"',
)  # fmt: skip
_CATEGORIES = {"DIGIT": string.digits, "WORD": string.ascii_letters + string.digits, "SPACE": " "}


def samples(rules: Path, *, each: int, seed: int) -> Iterator[tuple[str, str, list[str]]]:
    """(id, family, strings) of every rule of a gitleaks.toml.

    Family: `named` for a value known by the service's name before it, which is put into the notations of `_WRITTEN`;
    `prefix` for the rest, drawn whole.
    """
    rng = random.Random(seed)
    for rule in tomllib.loads(rules.read_text(encoding="utf-8"))["rules"]:
        if "regex" not in rule:
            continue
        tree = _parser.parse(_pythonic(rule["regex"]))
        if "[ \\t\\w.-]{0,20}" in rule["regex"]:
            group = _group(tree, rule.get("secretGroup", 1))
            name = max(rule["keywords"], key=len).rstrip("-_")
            drawn = [rng.choice(_WRITTEN).format(name=name, value=_draw(group, rng)) for _ in range(each)]
            yield rule["id"], "named", drawn
        else:
            yield rule["id"], "prefix", [_draw(tree, rng) for _ in range(each)]


def draw(pattern: str, rng: random.Random) -> str:
    """A string that matches `pattern`."""
    return _draw(_parser.parse(pattern), rng)


def _group(tree: Any, wanted: int) -> Any:
    """The part of a pattern that captures as group `wanted`."""
    for name, value in tree:
        if str(name) == "SUBPATTERN" and value[0] == wanted:
            return value[3]
        inner = [value[3]] if str(name) == "SUBPATTERN" else value[1] if str(name) == "BRANCH" else []
        for part in inner:
            if (found := _group(part, wanted)) is not None:
                return found
    return None


def _pythonic(pattern: str) -> str:
    """Go's notation where Python's differs; flags inside a pattern only widen it and are left out."""
    pattern = pattern.replace("[[:alnum:]]", "[A-Za-z0-9]").replace(r"\z", "$")
    return re.sub(r"\(\?-?i\)", "", pattern).replace("(?-i:", "(?:")


def _draw(tree: Any, rng: random.Random) -> str:
    return "".join(_one(str(name), value, rng) for name, value in tree)


def _one(name: str, value: Any, rng: random.Random) -> str:
    if name == "LITERAL":
        return chr(value)
    if name == "IN":
        return rng.choice(_letters(value))
    if name in {"MAX_REPEAT", "MIN_REPEAT"}:
        least, most, inner = value
        if str(inner[0][0]) == "ANY":
            inner = _parser.parse("[a-zA-Z0-9]")
        return "".join(_draw(inner, rng) for _ in range(rng.randint(least, min(most, least + _MORE))))
    if name == "SUBPATTERN":
        return _draw(value[3], rng)
    if name == "BRANCH":
        return _draw(rng.choice(value[1]), rng)
    # A full stop that nobody escaped stands for itself in a host's name; the rest are places.
    return {"ANY": ".", "NOT_LITERAL": rng.choice(string.ascii_letters)}.get(name, "")


def _letters(items: Any) -> str:
    """The characters of a class, without control characters where it is negated."""
    found: list[str] = []
    negated = False
    for name, value in items:
        kind = str(name)
        if kind == "NEGATE":
            negated = True
        elif kind == "LITERAL":
            found.append(chr(value))
        elif kind == "RANGE":
            found += map(chr, range(value[0], value[1] + 1))
        else:
            found += _category(str(value))
    return "".join(sorted(set(string.printable[:95]) - set(found))) if negated else "".join(found)


def _category(name: str) -> str:
    kind = name.rsplit("_", 1)[-1]
    letters = _CATEGORIES[kind]
    return "".join(sorted(set(string.printable[:95]) - set(letters))) if "_NOT_" in name else letters

"""The leaves of a JSON value, and dotted paths that choose among them.  Pure.

A path names keys from the root on: `slots.city`.  `[]` after a key stands for every item of a list (`slots[].value`),
`*` for every key or item.  A path that ends above the leaves stands for all below it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ITEM, ANY = "[]", "*"
Path = tuple[str, ...]

_LITERALS = ("enum", "const")
_COMBINED = ("anyOf", "oneOf", "allOf", "prefixItems")
_MOST_PLACES = 2000  # looked at in a schema: one that refers to itself has no end


def parse(text: str) -> Path:
    """The steps of a path.

    Raises:
        ValueError: it has an empty step, or brackets with something in them.
    """
    steps = tuple(text.replace(ITEM, f".{ITEM}").removeprefix(".").split("."))
    if not all(steps) or any("[" in step or "]" in step for step in steps if step != ITEM):
        raise ValueError(f"{text!r} is no path; write for example slots.city or slots[].value")
    return steps


class Selection:
    """Which leaves of a value count.  The states are made at once, so a leaf costs one look-up for each step to it."""

    def __init__(self, chosen: Iterable[Path], excepted: Iterable[Path]) -> None:
        """`chosen` paths, or everything when there is none; never what lies on an `excepted` one."""
        self._root = _States().state(frozenset(chosen) or frozenset({()}), frozenset(excepted))

    def leaves(self, value: Any) -> Iterator[Any]:
        """Strings, numbers, booleans and nulls of what `msgspec.json.decode` returned."""
        waiting = [(value, self._root)]
        while waiting:
            here, state = waiting.pop()
            if state is None:
                continue
            if isinstance(here, dict):
                waiting.extend((below, state.step(key)) for key, below in reversed(here.items()))
            elif isinstance(here, list):
                waiting.extend((below, state.item) for below in reversed(here))
            elif state.counts:
                yield here


class _State:
    """What is left of the paths at one place of a value."""

    def __init__(self, *, counts: bool) -> None:
        self.counts = counts
        self.named: dict[str, _State | None] = {}
        self.other: _State | None = None
        self.item: _State | None = None

    def step(self, key: str) -> _State | None:
        return self.named.get(key, self.other)


class _States:
    def __init__(self) -> None:
        self._made: dict[tuple[frozenset[Path], frozenset[Path]], _State] = {}

    def state(self, chosen: frozenset[Path], excepted: frozenset[Path]) -> _State | None:
        """The state of these paths; None when nothing below can count."""
        if not chosen or () in excepted:
            return None
        chosen = frozenset({()}) if () in chosen else chosen
        made = self._made.get((chosen, excepted))
        if made is None:
            made = self._made[chosen, excepted] = _State(counts=() in chosen)
            names = {path[0] for path in chosen | excepted if path} - {ITEM, ANY}
            made.named = {name: self._after(chosen, excepted, name) for name in names}
            made.other = self._after(chosen, excepted, None)
            made.item = self._after(chosen, excepted, ITEM)
        return made

    def _after(self, chosen: frozenset[Path], excepted: frozenset[Path], step: str | None) -> _State | None:
        return self.state(_rest(chosen, step), _rest(excepted, step))


def _rest(paths: frozenset[Path], step: str | None) -> frozenset[Path]:
    """The paths after one step; None is a key that no path names.  What was chosen above stays chosen."""
    return frozenset(path[1:] for path in paths if path == () or path[0] in {step, ANY})


def enumerated(schema: Any) -> frozenset[Path]:
    """Where a JSON schema lists the values that may stand there: they come from the schema, not from the input.

    Looks through properties, items, combinations and references within the schema, the shortest paths first.
    """
    found: set[Path] = set()
    waiting: deque[tuple[Any, Path]] = deque([(schema, ())])
    seen: set[tuple[int, Path]] = set()
    while waiting and len(seen) < _MOST_PLACES:
        here, path = waiting.popleft()
        if not isinstance(here, dict) or (id(here), path) in seen:
            continue
        seen.add((id(here), path))
        if any(word in here for word in _LITERALS):
            found.add(path)
        waiting.extend(_below(here, path, schema))
    return frozenset(found)


def _below(here: Mapping[str, Any], path: Path, schema: Any) -> Iterator[tuple[Any, Path]]:
    properties = here.get("properties")
    if isinstance(properties, dict):
        yield from ((value, (*path, name)) for name, value in properties.items())
    yield here.get("items"), (*path, ITEM)
    for word in _COMBINED:
        values = here.get(word)
        if isinstance(values, list):
            yield from ((value, (*path, ITEM) if word == "prefixItems" else path) for value in values)
    reference = here.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        yield _referred(schema, reference), path


def _referred(schema: Any, reference: str) -> Any:
    """What a JSON pointer within the schema points at; None when there is nothing."""
    here = schema
    for step in reference.split("/")[1:]:
        here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return here

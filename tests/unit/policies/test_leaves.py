from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.leaves import Selection, enumerated, parse

VALUE = {
    "intent": "book",
    "slots": [{"name": "city", "value": "Rome"}, {"name": "party", "value": 4}],
    "meta": {"model": "m1", "tags": ["a", ["b"]]},
    "note": None,
    "ok": True,
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[]", ("a", "[]")),
        ("a[].b", ("a", "[]", "b")),
        ("a[][]", ("a", "[]", "[]")),
        ("[].b", ("[]", "b")),
        ("a.*.b", ("a", "*", "b")),
        ("*", ("*",)),
        ("a b.c-d", ("a b", "c-d")),
    ],
)
def test_a_path_is_read_step_by_step(text: str, steps: tuple[str, ...]) -> None:
    """Keys between dots, brackets for items, a star for anything."""
    assert parse(text) == steps


@pytest.mark.parametrize("text", ["", ".", "a.", "a..b", "a[0]", "a[", "a].b", "a[*]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    """The text is quoted, so that it can be found in the configuration."""
    with pytest.raises(ValueError, match="is no path"):
        parse(text)


@pytest.mark.parametrize(
    ("chosen", "excepted", "leaves"),
    [
        ([], [], ["book", "city", "Rome", "party", 4, "m1", "a", "b", None, True]),
        (["intent"], [], ["book"]),
        (["slots"], [], ["city", "Rome", "party", 4]),
        (["slots[].value"], [], ["Rome", 4]),
        (["slots.*.value"], [], ["Rome", 4]),
        (["*.model"], [], ["m1"]),
        (["slots.value"], [], []),
        (["meta[]"], [], []),
        (["meta.tags[]"], [], ["a", "b"]),
        (["meta.tags[][]"], [], ["b"]),
        (["slots[].value", "intent"], [], ["book", "Rome", 4]),
        ([], ["slots", "meta"], ["book", None, True]),
        ([], ["slots[].name"], ["book", "Rome", 4, "m1", "a", "b", None, True]),
        (["slots"], ["slots[].name"], ["Rome", 4]),
        (["slots"], ["*"], []),
        (["slots"], ["*.*.name"], ["Rome", 4]),
        (["intent.deeper"], [], []),
        (["gone"], [], []),
        ([], ["gone"], ["book", "city", "Rome", "party", 4, "m1", "a", "b", None, True]),
    ],
)
def test_paths_choose_leaves(chosen: list[str], excepted: list[str], leaves: list[Any]) -> None:
    """A path stands for all below it, and an exception is stronger than a choice."""
    assert list(Selection(map(parse, chosen), map(parse, excepted)).leaves(VALUE)) == leaves


@pytest.mark.parametrize(("value", "leaves"), [("a", ["a"]), (1, [1]), ([], []), ({}, []), (["a", ["b"]], ["a", "b"])])
def test_a_value_may_be_a_leaf_itself(value: Any, leaves: list[Any]) -> None:
    """JSON need not be an object."""
    assert list(Selection([], []).leaves(value)) == leaves


JSON = st.recursive(
    st.text(max_size=2), lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below)
)
PATHS = st.lists(st.lists(st.sampled_from(["a", "b", "[]", "*"]), min_size=1, max_size=3).map(tuple), max_size=3)


@given(JSON, PATHS, PATHS)
def test_a_selection_is_what_following_each_path_gives(value: Any, chosen: Any, excepted: Any) -> None:
    """The states agree with the plain reading of the paths, for any value."""

    def on(path: tuple[str, ...], place: tuple[str, ...]) -> bool:
        steps = zip(path, place, strict=False)
        return len(path) <= len(place) and all(step in {"*", at} for step, at in steps)

    def walk(here: Any, place: tuple[str, ...]) -> Any:
        if isinstance(here, dict):
            for key, below in here.items():
                yield from walk(below, (*place, key))
        elif isinstance(here, list):
            for below in here:
                yield from walk(below, (*place, "[]"))
        elif any(on(path, place) for path in chosen or [()]) and not any(on(path, place) for path in excepted):
            yield here

    assert list(Selection(chosen, excepted).leaves(value)) == list(walk(value, ()))


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ({}, set()),
        (True, set()),
        ({"enum": ["a"]}, {()}),
        ({"properties": {"intent": {"enum": ["a", "b"]}, "city": {"type": "string"}}}, {("intent",)}),
        ({"properties": {"kind": {"const": "a"}}}, {("kind",)}),
        ({"properties": {"tags": {"items": {"enum": ["a"]}}}}, {("tags", "[]")}),
        ({"properties": {"tag": {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}}}, {("tag",)}),
        ({"allOf": [{"properties": {"tag": {"const": "a"}}}]}, {("tag",)}),
        ({"prefixItems": [{"const": "a"}]}, {("[]",)}),
        ({"properties": {"tag": {"$ref": "#/$defs/tag"}}, "$defs": {"tag": {"enum": ["a"]}}}, {("tag",)}),
        ({"properties": {"tag": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": {"enum": ["a"]}}}, {("tag",)}),
        ({"properties": {"tag": {"$ref": "#/$defs/gone"}}}, set()),
        ({"properties": {"tag": {"$ref": "https://schemas.invalid/x"}}}, set()),
        ({"properties": {"enum": {"type": "string"}}}, set()),
        ({"properties": [], "items": 3, "anyOf": {}}, set()),
    ],
)
def test_a_schema_says_where_its_values_come_from_itself(schema: Any, paths: set[tuple[str, ...]]) -> None:
    """Only where values are listed, not where a property has the name of a keyword."""
    assert enumerated(schema) == paths


def test_a_schema_that_refers_to_itself_ends() -> None:
    """What lies near the root is found; the rest is looked at no further."""
    node = {"properties": {"kind": {"enum": ["x"]}, "left": {"$ref": "#"}, "right": {"$ref": "#"}}}
    found = enumerated(node)
    assert {("kind",), ("left", "kind"), ("right", "left", "kind")} <= found
    assert len(found) < 2000

"""Paging: what a list request may ask for, and pages that meet."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ApiError
from gateway.paging import Page, listed


@pytest.mark.parametrize(
    ("parameters", "page"),
    [
        ([], Page()),
        ([("after", "x"), ("limit", "1"), ("order", "desc")], Page(after="x", limit=1, descending=True)),
        ([("limit", "100"), ("order", "asc"), ("model", "m")], Page(limit=100, model="m")),
        ([("metadata[a]", "b"), ("metadata[a][b]", "")], Page(metadata={"a": "b", "a][b": ""})),
        (
            [("metadata[limit]", "x"), ("metadata[]", "y"), ("limit", "5")],
            Page(limit=5, metadata={"limit": "x", "": "y"}),
        ),
    ],
)
def test_parameters_are_understood(parameters, page):
    """Every parameter of the API reference has its effect, the others their default."""
    assert Page.of(parameters, filters=True) == page


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ([("limit", "-1")], "limit"),
        ([("limit", "101")], "limit"),
        ([("limit", "")], "limit"),
        ([("limit", "1.5")], "limit"),
        ([("limit", "٣")], "limit"),
        ([("limit", "9" * 5000)], "limit"),
        ([("order", "up")], "order"),
        ([("order", "")], "order"),
        ([("limit", "1"), ("limit", "1")], "limit"),
        ([("metadata[a]", "b"), ("metadata[a]", "b")], "metadata[a]"),
        ([(f"metadata[{n}]", "b") for n in range(17)], "metadata"),
        ([("metadata[a]", "b" * 513)], "metadata"),
        ([("metadata", "b")], "metadata"),
        ([("before", "x")], "before"),
        ([("descending", "1")], "descending"),
        ([("x" * 1000, "x")], "x" * 100),
    ],
)
def test_nothing_is_dropped_or_guessed(parameters, param):
    """A parameter that is wrong, unknown or given twice is 400 and named."""
    with pytest.raises(ApiError) as refused:
        Page.of(parameters, filters=True)
    assert refused.value.status == 400
    assert json.loads(refused.value.body)["error"]["param"] == param


@pytest.mark.parametrize("name", ["model", "metadata[a]"])
def test_a_list_without_filters_refuses_them(name):
    """Messages are not filtered, so a filter must not seem to work."""
    with pytest.raises(ApiError):
        Page.of([(name, "x")], filters=False)


@given(count=st.integers(0, 30), limit=st.integers(1, 10), descending=st.booleans())
def test_pages_meet_without_gap_or_overlap(count, limit, descending):
    """Following `last_id` while there is more gives every item once, in order."""
    items = [(str(number), number) for number in range(count)]
    seen, after = [], ""
    while True:
        found = listed(Page(after=after, limit=limit, descending=descending).beyond(items), limit)
        seen += found["data"]
        assert len(found["data"]) <= limit
        if not found["has_more"]:
            break
        assert found["first_id"] == str(found["data"][0])
        after = found["last_id"]
    assert seen == sorted(range(count), reverse=descending)


def test_an_empty_page_has_no_ids():
    """There is no first and no last, and no more."""
    expected = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert listed([], 20) == expected


def test_a_list_does_not_go_on_behind_what_it_does_not_have():
    """An `after` that is unknown, or was deleted, is 400, not an end that looks like the end."""
    with pytest.raises(ApiError):
        Page(after="x").beyond([("a", 1)])

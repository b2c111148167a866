"""JSON bodies: typed reading, single changes, everything else to the byte."""

from __future__ import annotations

import json

import msgspec
import pytest

from gateway import decoding
from gateway.errors import ApiError


class _Shape(msgspec.Struct):
    name: str
    items: list[int] = []


DECODER = msgspec.json.Decoder(_Shape)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b'{"name":"\xff"}', "invalid_json", None),
        (b'{"name":"a","deep":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "invalid_json", None),
        (b'{"name":7}', "invalid_type", "name"),
        (b'{"name":"a","items":[1,"b"]}', "invalid_type", "items[1]"),
    ],
)
def test_what_cannot_be_understood_is_400(body, code, param):
    """The refusal says whether it is no JSON or of the wrong type, and where."""
    with pytest.raises(ApiError) as caught:
        decoding.understood(body, DECODER)
    error = json.loads(caught.value.body)["error"]
    assert (caught.value.status, error["code"], error["param"]) == (400, code, param)


def test_single_fields_change():
    """A field is replaced or added, and the others keep their bytes and order."""
    body = b'{"a": 12345678901234567890123, "b":1.50, "c": null}'
    assert decoding.replaced(body, {"b": "x", "d": [1]}) == b'{"a":12345678901234567890123,"b":"x","c":null,"d":[1]}'


def test_given_fields():
    """A field that is null is as good as none."""
    found = decoding.fields(b'{"a":1,"b":null}')
    assert [decoding.given(found, name) for name in "abc"] == [True, False, False]

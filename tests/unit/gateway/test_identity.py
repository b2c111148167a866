"""Headers that name a request."""

from __future__ import annotations

import pytest

from gateway.identity import fields, header, id_headers


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], b"ours"),
        ([(b"x-request-id", b"theirs")], b"theirs"),
        ([(b"x-request-id", b"")], b"ours"),
        ([(b"x-request-id", b"a" * 999)], b"a" * 200),
    ],
)
def test_request_ids(headers, told):
    """The client's request id is echoed, within a bound; ours always stands beside it."""
    assert id_headers("ours", dict(headers)) == [(b"x-request-id", told), (b"x-preceptor-id", b"ours")]


def test_the_first_header_of_a_name_counts():
    """A header is found by its name; one that is not there is empty."""
    headers = [(b"a", b"1"), (b"b", b"2"), (b"b", b"3")]
    assert (header(headers, b"b"), header(headers, b"c")) == (b"2", b"")


def test_the_fields_of_a_request_are_read_once():
    """The first of each name counts here too, and every layer gets the same mapping."""
    scope = {"headers": [(b"a", b"1"), (b"b", b"2"), (b"b", b"3")]}
    assert fields(scope) == {b"a": b"1", b"b": b"2"}
    assert fields(scope) is fields(scope)

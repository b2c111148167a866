"""Heads: targets, objections, and offers that are left out."""

from __future__ import annotations

import pytest

from gateway import heads


@pytest.mark.parametrize(
    ("url", "path", "raw", "query"),
    [
        (b"/", "/", b"/", b""),
        (b"/v1/models?a=%20", "/v1/models", b"/v1/models", b"a=%20"),
        (b"/v1/ch%61t", "/v1/chat", b"/v1/ch%61t", b""),
        (b"/a%2Fb%zz", "/a/b%zz", b"/a%2Fb%zz", b""),
        (b"/a#part?b", "/a", b"/a", b""),
        (b"//v1/models", "//v1/models", b"//v1/models", b""),
        (b"*", "*", b"*", b""),
        (b"http://h:1/v1/x?q=1", "/v1/x", b"/v1/x", b"q=1"),
        (b"http://h", "/", b"/", b""),
    ],
)
def test_targets(url, path, raw, query):
    """A path, an asterisk or a URL is understood; the path is decoded once, the query never."""
    assert heads.target(url) == (path, raw, query)


@pytest.mark.parametrize("url", [b"h:1", b"nonsense", b"/\xff"])
def test_what_is_no_target(url):
    """Neither a path nor a URL, or bytes outside of ASCII."""
    with pytest.raises(ValueError, match=r"target|ascii"):
        heads.target(url)


@pytest.mark.parametrize(
    ("method", "version", "special", "status"),
    [
        (b"POST", "1.1", {}, None),
        (b"POST", "1.0", {b"expect": b"nonsense"}, None),
        (b"POST", "1.1", {b"expect": b"100-continue", b"transfer-encoding": b"chunked"}, None),
        (b"POST", "1.1", {b"expect": b"nonsense"}, 417),
        (b"POST", "1.1", {b"transfer-encoding": b"gzip, chunked"}, 501),
        (b"CONNECT", "1.1", {}, 405),
        (b"GET", "2.0", {}, 505),
        (b"GET", "0.9", {}, 505),
    ],
)
def test_objections(method, version, special, status):
    """Versions, methods, expectations and codings that nothing here can serve."""
    error = heads.objection(method, version, special)
    assert (error and error.status) == status


@pytest.mark.parametrize(
    ("method", "version", "keeps", "found"),
    [
        (b"GET", "1.1", True, (True, False, True)),
        (b"GET", "1.1", False, (False, False, True)),
        (b"HEAD", "1.1", True, (True, True, True)),
        (b"HEAD", "1.0", True, (False, True, False)),
        (b"GET", "1.0", True, (False, False, False)),
    ],
)
def test_terms(method, version, keeps, found):
    """HTTP/1.0 gets no chunks and no second answer, HEAD no body."""
    terms = heads.terms(method, version, keeps=keeps)
    assert (terms.keep_alive, terms.head_only, terms.chunks) == found


def test_an_offer_is_left_out():
    """All other fields stay, in their order."""
    fields = [(b"upgrade", b"h2c"), (b"a", b"1"), (b"http2-settings", b"x"), (b"a", b"2")]
    assert heads.without_upgrade(b"POST", b"/x", fields) == b"POST /x HTTP/1.1\r\na: 1\r\na: 2\r\n\r\n"
    assert heads.size(b"/x", [(b"ab", b"c")]) == 9


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (heads.too_long(), 431),
        (heads.too_slow(), 408),
        (heads.malformed("why"), 400),
        (heads.unknown_method(), 405),
    ],
)
def test_errors(error, status):
    """Each has its status and a code."""
    assert error.status == status
    assert error.code != "invalid_request_error"

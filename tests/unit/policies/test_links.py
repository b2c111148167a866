from __future__ import annotations

import pytest

from policies.links import is_host, leads_elsewhere, trimmed, urls


@pytest.mark.parametrize(
    ("target", "elsewhere"),
    [
        ("https://good.example", False),
        ("https://good.example/", False),
        ("https://good.example:443/x", False),
        ("https://good.example.", True),
        ("https://sub.good.example?q", False),
        ("https://sub.good.example#f", False),
        ("HTTPS://GOOD.example/x", False),
        ("https:good.example", False),
        ("https:////good.example", False),
        ("//good.example/x", False),
        ("www.good.example", False),
        ("/relative", False),
        ("relative/a:b", False),
        ("#fragment", False),
        ("?query=https://evil.example", False),
        ("mailto:a@evil.example", False),
        ("tel:+123", False),
        ("http://good.example", True),
        ("ftp://good.example", True),
        ("javascript:alert(1)", True),
        ("data:text/html,x", True),
        ("https://evil.example", True),
        ("https://notgood.example", True),
        ("https://good.example.evil.example", True),
        ("https://good.example@evil.example", True),
        ("https://u:p@good.example", True),
        ("https://good.example\\@evil.example", True),
        ("https://evil.example\\.good.example", True),
        ("https://%67ood.example", True),
        ("https://good.example:x@evil.example", True),
        ("https://good\u3002example", True),
        ("https://[::1]/", True),
        ("https:///", True),
        ("https:", True),
        ("//evil.example", True),
        ("\\\\evil.example", True),
        ("/\\evil.example", True),
        ("www.evil.example", True),
        ("https&colon;//evil.example", True),
        ("ht\ntps://evil.example", True),
        ("&#x2F;/evil.example", True),
        (" https://evil.example", True),
        ("", False),
    ],
)
def test_where_a_link_leads(target: str, elsewhere: bool) -> None:
    """Only a plain host name by an allowed scheme is an allowed one; what a browser corrects is corrected."""
    assert leads_elsewhere(target, hosts=("good.example",), schemes=("https",)) is elsewhere


def test_no_host_is_allowed_unless_told() -> None:
    """Without hosts every link with an authority leads elsewhere."""
    assert leads_elsewhere("https://good.example", hosts=(), schemes=("https",))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.example/x.", {"https://a.example/x"}),
        ("(https://a.example), www.b.example!", {"https://a.example", "www.b.example"}),
        ("https://a.example/x_(y)", {"https://a.example/x_(y)"}),
        ("git+ssh://a.example and e://b", {"git+ssh://a.example", "e://b"}),
        ("https:a.example and http:/\\b.example", {"https:a.example", "http:/\\b.example"}),
        (f"https:{'/' * 40}a.example", {f"https:{'/' * 40}a.example"}),
        ("begins with https:// or www. as a rule", set()),
        ("none here: a.example, 10:30//", set()),
    ],
)
def test_the_urls_of_a_text(text: str, found: set[str]) -> None:
    """As they stand there, without the punctuation of the sentence."""
    assert urls(text) == found


@pytest.mark.parametrize(
    ("url", "short"), [("https://a/...", "https://a/"), ("https://a/x)", "https://a/x"), (")", ")"), ("", "")]
)
def test_punctuation_belongs_to_the_sentence(url: str, short: str) -> None:
    """At the end only, and never all of it."""
    assert trimmed(url) == short


@pytest.mark.parametrize(
    ("name", "valid"),
    [("a.example", True), ("localhost", True), ("a_b.example", True), ("", False), ("a..b", False), (".a", False),
     ("a/b", False), ("A.example", False), ("*.a", False), ("a:1", False), ("x" * 254, False)],
)  # fmt: skip
def test_what_can_be_a_host(name: str, valid: bool) -> None:
    """A host in lower case without a port."""
    assert is_host(name) is valid

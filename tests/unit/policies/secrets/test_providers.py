from __future__ import annotations

import pytest
import re2

from policies.patterns import Match
from policies.secrets.providers import FORMATS, KINDS, ProviderFinder, starts

FINDER = ProviderFinder(KINDS)
TAIL = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9k"
ROWS = [
    (kind, prefix, least) for formats in FORMATS.values() for kind, text, least in formats for prefix in text.split()
]


def test_a_token_is_known_within_the_window() -> None:
    """A row that asks for more characters would let the beginning of a token leave a stream."""
    assert all(len(prefix) + least <= 64 for _, prefix, least in ROWS)


def test_rows_do_not_contradict_each_other() -> None:
    """The same prefix, alphabet and length cannot mean two kinds."""
    for formats in FORMATS.values():
        keys = [(prefix, least) for _, text, least in formats for prefix in text.split()]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sk-" + TAIL, "openai_key"),
        ("sk-" + "proj-" + TAIL, "openai_key"),
        ("sk-" + "ant-" + TAIL, "anthropic_key"),
        ("sk-" + "or-v1-" + TAIL, "openrouter_key"),
        ("sk_" + "live_" + TAIL, "stripe_key"),
        ("whsec_" + TAIL, "stripe_webhook_secret"),
    ],
)
def test_the_longest_prefix_names_the_kind(text: str, kind: str) -> None:
    """Prefixes that begin alike are told apart."""
    assert kind in {match.kind for match in FINDER.search(text)}


def test_only_chosen_kinds_are_found() -> None:
    """A kind left out costs and finds nothing."""
    text = "npm_" + TAIL + " gl" + "pat-" + TAIL[:20]
    assert list(ProviderFinder(("npm_token",)).search(text)) == [Match("npm_token", 0, 44)]
    assert list(ProviderFinder(()).search(text)) == []


@pytest.mark.parametrize(("kind", "prefix", "least"), ROWS)
def test_every_prefix_starts_what_is_announced(kind: str, prefix: str, least: int) -> None:
    """The prefilter must not hide a token."""
    (pattern,) = starts((kind,))
    assert re2.search(pattern, f"é {prefix}a")
    assert not re2.search(pattern, f"x{prefix}a"[: len(prefix)])


def test_without_kinds_nothing_is_announced() -> None:
    """An empty pattern would match everything."""
    assert starts(()) == []

from __future__ import annotations

import pytest
import re2

from policies.secrets.contexts import KINDS, PATTERNS, finder, late_triggers, starts

FINDER = finder(KINDS)
TAIL = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9k"


def test_every_kind_is_announced_one_way_or_the_other() -> None:
    """A kind without a trigger would never be looked for."""
    for kind in KINDS:
        assert bool(starts((kind,))) is not bool(late_triggers((kind,)))


def test_every_pattern_has_a_hint() -> None:
    """Without one its counted repetitions would go into the set."""
    assert all(pattern.hint for pattern in PATTERNS)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("redis://:hunter22@cache", "hunter22"),
        ("a://u:p@q@r@s@t@u@v x", "p@q@r@s@t"),
        ("a://u:one@" + "x" * 40 + "@b", "one"),
        ("password = 'aB3 dE6'gH9'", None),
        ("password = 'aB3 dE6 gH9'", "aB3 dE6 gH9"),
        ("password\n:\n" + TAIL, TAIL),
        ("credentials: " + TAIL, TAIL),
        ("compassword", None),
        ('"secret" : "aB3dE6gH9\n', None),
        ("curl -s \\\n -u a:hunter2", None),
        ("Sentry: " + TAIL, TAIL),
        ("sentry says: wonderful", None),
    ],
)
def test_where_a_secret_ends(text: str, secret: str | None) -> None:
    """The value alone, up to the quote, the blank or the host."""
    found = [text[match.start : match.end] for match in FINDER.find(text)]
    assert (secret in found) if secret else not found


@pytest.mark.parametrize(
    ("kind", "begun"),
    [
        ("assignment", 'password: "aB3 dE6 '),
        ("assignment", '<add key="Password" value="aB3 '),
        ("jwt", "eyJ" + TAIL * 9),
        ("private_key", "-----BEGIN " + "PRIVATE KEY-----\n" + TAIL * 9),
        ("url_password", "postgres://app:" + TAIL * 9),
    ],
)
def test_what_is_certain_late_is_announced_to_the_end(kind: str, begun: str) -> None:
    """However much has come, the trigger reaches from the start to the last character."""
    (trigger,) = late_triggers((kind,))
    assert max(match.end() for match in re2.finditer(trigger, begun)) == len(begun)

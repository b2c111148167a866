"""No credentials: provider tokens by their published formats, private keys, passwords in URLs and assignments."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import re2

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies.patterns import Pattern, PatternSet, confirmed

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_LEAST_ENTROPY = 2.5  # bits a character; words and runs such as "changeme1" and "aaaaaaa1" lie below or near it
_PLACEHOLDER: Any = re2.compile(r"(?i)\$\{|\$\(|\{\{|<|%\(|\$[A-Z_][A-Z0-9_]*$|[*x.]+$|your|example|pass(?:word)?$")


def _no_placeholder(text: str) -> bool:
    """Not what templates and manuals write where a secret belongs."""
    return _PLACEHOLDER.match(text) is None


def _random_enough(text: str) -> bool:
    """Has a digit and the Shannon entropy over characters that words and runs do not reach, and is no placeholder."""
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return entropy >= _LEAST_ENTROPY and not counts.keys().isdisjoint("0123456789") and _no_placeholder(text)


_NAMED = (
    r"(?i)(?:api[_-]?key|secret(?:[_-]?access)?[_-]?key|account[_-]?key|secret|passw(?:or)?d|pwd"
    r"|(?:access|api|auth|refresh)[_-]?token)['\"]?\s{0,3}(?::=|=>|:|=)\s{0,3}"
)
PATTERNS = (
    Pattern("aws_access_key", r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b"),
    Pattern("github_token", r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
    Pattern("gitlab_token", r"\b(glpat-[A-Za-z0-9_.-]{20,})"),
    Pattern("anthropic_key", r"\b(sk-ant-[A-Za-z0-9_-]{20,})"),
    Pattern("openai_key", r"\b(sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,})", confirmed(_random_enough)),
    Pattern("slack_token", r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})"),
    Pattern("slack_webhook", r"(https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,})"),
    Pattern("stripe_key", r"\b((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,})"),
    Pattern("google_api_key", r"\b(AIza[A-Za-z0-9_-]{35,})"),
    Pattern("google_oauth", r"\b(GOCSPX-[A-Za-z0-9_-]{20,})"),
    Pattern("huggingface_token", r"\b(hf_[A-Za-z0-9]{30,})", confirmed(_random_enough)),
    Pattern("npm_token", r"\b(npm_[A-Za-z0-9]{36,})"),
    Pattern("pypi_token", r"\b(pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,})"),
    Pattern("sendgrid_key", r"\b(SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,})"),
    Pattern("telegram_token", r"\b(\d{8,10}:AA[A-Za-z0-9_-]{33,})"),
    Pattern("jwt", r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"),
    # A key that was cut off before its last line is a key all the same.
    Pattern(
        "private_key",
        r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END[A-Z0-9 ]{0,60}-----|\z))",
    ),
    Pattern(
        "url_password", r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]*:([^\s/]{3,})@[^\s/@]", confirmed(_no_placeholder)
    ),
    Pattern("authorization", r"(?i)\b(?:bearer|basic)\s{1,3}([A-Za-z0-9._~+/-]{20,}=*)", confirmed(_random_enough)),
    # To the next blank: a secret may contain any punctuation, and a tail left behind is a leak.
    Pattern("assignment", _NAMED + r"([^\s'\"]\S{7,})", confirmed(_random_enough)),
    Pattern("assignment", _NAMED + r"(?:\"([^\"\n]{8,})\")", confirmed(_random_enough)),
    Pattern("assignment", _NAMED + r"(?:'([^'\n]{8,})')", confirmed(_random_enough)),
)
KINDS = tuple(dict.fromkeys(pattern.kind for pattern in PATTERNS))


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kinds to look for; all of them by default."""

    kinds: tuple[str, ...] = KINDS

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(KINDS):
            raise ConfigError("kinds", f"{list(self.kinds)} must be some of {', '.join(KINDS)}")


class SecretsCheck:
    """Reasons: the kind of the first secret found.  Spans cover whole secrets, never a prefix that leaves the rest.

    `all_spans` locates every secret, which a redaction needs; without it one is enough.
    """

    name = "secrets"

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        chosen = [pattern for pattern in PATTERNS if pattern.kind in options.kinds]
        self.triggers = tuple(pattern.regex for pattern in chosen)
        self._patterns = PatternSet(chosen)

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = (
            Span(number, match.start, match.end, match.kind)
            for number, text in enumerate(subject.texts)
            for match in (self._patterns.find(text) if self._all_spans else self._patterns.search(text))
        )
        spans = tuple(found if self._all_spans else itertools.islice(found, 1))
        return Decision(self.name, Verdict.BLOCK, spans[0].kind, spans) if spans else None


if TYPE_CHECKING:
    _: Check = SecretsCheck(Options())

"""No credentials: provider tokens by their published formats, private keys, passwords in URLs and assignments."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from domain.records import Decision, Span, Verdict
from policies.patterns import Pattern, PatternSet

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_LEAST_ENTROPY = 2.5  # bits a character; "changeme" and "aaaaaaaa" are no secrets


def _random_enough(text: str) -> bool:
    """Shannon entropy over characters, which words in templates ("your-key-here") and runs do not reach."""
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return entropy >= _LEAST_ENTROPY and any(letter.isdigit() for letter in text)


PATTERNS = (
    Pattern("aws_access_key", r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b"),
    Pattern("github_token", r"\b((?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}))\b"),
    Pattern("gitlab_token", r"\b(glpat-[A-Za-z0-9_-]{20,64})"),
    Pattern("anthropic_key", r"\b(sk-ant-[A-Za-z0-9_-]{20,})"),
    Pattern("openai_key", r"\b(sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,})", _random_enough),
    Pattern("slack_token", r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,})"),
    Pattern("slack_webhook", r"(https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,})"),
    Pattern("stripe_key", r"\b((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,})\b"),
    Pattern("google_api_key", r"\b(AIza[A-Za-z0-9_-]{35})"),
    Pattern("google_oauth", r"\b(GOCSPX-[A-Za-z0-9_-]{20,64})"),
    Pattern("huggingface_token", r"\b(hf_[A-Za-z0-9]{30,64})\b", _random_enough),
    Pattern("npm_token", r"\b(npm_[A-Za-z0-9]{36})\b"),
    Pattern("pypi_token", r"\b(pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,})"),
    Pattern("sendgrid_key", r"\b(SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64})"),
    Pattern("telegram_token", r"\b(\d{8,10}:AA[A-Za-z0-9_-]{33})"),
    Pattern("jwt", r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"),
    Pattern("private_key", r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?s:.*?)(?:-----END|\z))"),
    Pattern("url_password", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,}:([^\s/@]{3,})@[^\s/]"),
    Pattern(
        "assignment",
        r"(?i)\b(?:api[_-]?key|secret[_-]?key|client[_-]?secret|access[_-]?token|auth[_-]?token|passwd|password|pwd)"
        r"['\"]?\s{0,3}(?::|=|=>|:=)\s{0,3}['\"]?([^\s'\"<>(){},;]{8,})",
        _random_enough,
    ),
)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kinds to look for; all of them by default."""

    kinds: tuple[str, ...] = tuple(pattern.kind for pattern in PATTERNS)

    def __post_init__(self) -> None:
        if unknown := set(self.kinds) - {pattern.kind for pattern in PATTERNS}:
            raise ValueError(f"unknown kinds: {', '.join(sorted(unknown))}")


class SecretsCheck:
    """Reasons: the kind of the first secret found.  Spans cover whole secrets, never a prefix that leaves the rest."""

    name = "secrets"

    def __init__(self, options: Options) -> None:
        self._patterns = PatternSet(tuple(pattern for pattern in PATTERNS if pattern.kind in options.kinds))

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = [(number, match) for number, text in enumerate(subject.texts) for match in self._patterns.find(text)]
        if not found:
            return None
        spans = tuple(Span(number, match.start, match.end) for number, match in found)
        return Decision(self.name, Verdict.BLOCK, found[0][1].kind, spans)


if TYPE_CHECKING:
    _: Check = SecretsCheck(Options())

"""No credentials: provider tokens by their published formats, private keys, passwords in URLs and assignments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies.patterns import Match
from policies.secrets import contexts, providers
from policies.secrets.providers import ProviderFinder

if TYPE_CHECKING:
    from domain.ports import Check, Subject

KINDS = tuple(dict.fromkeys((*providers.KINDS, *contexts.KINDS)))

# Within so many characters of its start every secret has met its pattern or a trigger that follows it: the head of a
# private key has 63, a Discord token 61.  Past that a token may grow, but what is random about it is judged before.
WINDOW = 64


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kinds to look for; all of them by default."""

    kinds: tuple[str, ...] = KINDS

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ConfigError("kinds", "give at least one, or leave the option out for all")
        if unknown := sorted(set(self.kinds) - set(KINDS)):
            raise ConfigError("kinds", f"unknown are {', '.join(unknown)}; docs/policies.md lists all")


class SecretsCheck:
    """Reasons: the kind of the first secret found (`KINDS`).  Spans cover whole secrets, never only a prefix.

    `all_spans` locates every secret, which a redaction needs; without it one is enough.
    """

    name = "secrets"
    window: int | None = WINDOW

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        self._contexts = contexts.finder(options.kinds)
        self._providers = ProviderFinder(options.kinds)
        # One pattern for the starts of all contexts, because nobody asks which: a set would keep them apart.
        starts = "|".join(contexts.starts(options.kinds))
        every = [*providers.starts(options.kinds), starts, *contexts.late_triggers(options.kinds)]
        self.triggers = tuple(filter(None, every))

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = (
            Span(number, match.start, match.end, match.kind)
            for number, text in enumerate(subject.texts)
            for match in self._search(text)
        )
        spans = tuple(sorted(found, key=_place) if self._all_spans else itertools.islice(found, 1))
        return Decision(self.name, Verdict.BLOCK, spans[0].kind, spans) if spans else None

    def _search(self, text: str) -> Iterator[Match]:
        yield from self._providers.search(text)
        yield from self._contexts.search(text)


def _place(span: Span) -> tuple[int, int, int]:
    return span.text, span.start, span.end


if TYPE_CHECKING:
    _: Check = SecretsCheck(Options())

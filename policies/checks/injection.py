"""No attempts to take the model over: override phrases, role play, prompt leaks, template tokens, plain or encoded."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies import decoding
from policies.normalise import UNUSUAL, normalise, unusual
from policies.patterns import Match, PatternSet
from policies.signatures import patterns
from policies.signatures.patterns import FAMILIES

if TYPE_CHECKING:
    from domain.ports import Check, Subject


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Families of signatures to look for, and whether to look into encoded text."""

    families: tuple[str, ...] = FAMILIES
    decode: bool = True

    def __post_init__(self) -> None:
        if not self.families or set(self.families) - set(FAMILIES):
            raise ConfigError("families", f"{list(self.families)} must be some of {', '.join(FAMILIES)}")


class InjectionCheck:
    """Reasons: the family of the first signature found, with `encoded_` before it where it had to be decoded.

    Families: `override`, `role_play`, `authority`, `prompt_leak`, `secret_request`, `template_token`, `fake_end`,
    `exfiltration`.  A span's kind is the family, or the encoding.  In text with unusual characters, and in encodings of
    a whole text, the span is all of it.  `all_spans` locates everything, which a redaction needs; without it one
    finding is enough.
    """

    name = "injection"
    window: int | None = None  # a signature may begin anywhere and an encoded text has no bound: whole answers only

    def __init__(self, options: Options, *, all_spans: bool = False) -> None:
        self._all_spans = all_spans
        self._decode = options.decode
        self._patterns, self._glued = _sets(options.families)
        # Signatures are in lower case and `normalise` does no more than that to text without anything unusual.
        plain = (f"(?i){pattern.regex}" for pattern in patterns.separate(options.families))
        self.triggers = (UNUSUAL, *filter(str.isascii, plain), *(decoding.MARKS if options.decode else ()))

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = (
            (reason, Span(number, start, end, kind))
            for number, text in enumerate(subject.texts)
            if text
            for reason, start, end, kind in self._search(text)
        )
        listed = list(found if self._all_spans else itertools.islice(found, 1))
        return (
            Decision(self.name, Verdict.FALLBACK, listed[0][0], tuple(span for _, span in listed)) if listed else None
        )

    def _search(self, text: str) -> Iterator[tuple[str, int, int, str]]:
        """Reason, place and kind of everything in a text."""
        moved, plain = unusual(text), normalise(text)
        for match in self._located(plain):
            yield match.kind, 0 if moved else match.start, len(text) if moved else match.end, match.kind
        for probe in decoding.probes(text, plain) if self._decode else ():
            signs = self._glued if probe.glued else self._patterns
            if (said := next(signs.search(probe.text), None)) is not None:
                yield f"encoded_{said.kind}", probe.start, probe.end, probe.encoding

    def _located(self, text: str) -> Iterator[Match]:
        return iter(self._patterns.find(text)) if self._all_spans else self._patterns.search(text)


@functools.cache  # every task has a check of its own, and the patterns are large
def _sets(families: tuple[str, ...]) -> tuple[PatternSet, PatternSet]:
    return PatternSet(tuple(patterns.separate(families))), PatternSet(tuple(patterns.glued(families)))


if TYPE_CHECKING:
    _: Check = InjectionCheck(Options())

"""Nothing in an answer that a page would run or load, or a terminal obey: HTML, scripts, links, images, escapes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import re2

from domain.errors import ConfigError
from domain.records import Decision, Span, Stage, Verdict
from policies import links, tags
from policies.patterns import Automata

if TYPE_CHECKING:
    from domain.ports import Check, Subject

# Of a link, group 1 is the target.  Its words may be long: behind the first 100 characters they are left alone.
_TARGET = r"\s{0,8}<?([^\s<>()](?:[^\s<>()]|\([^\s<>()]*\))*)>?"
_TITLE = r"(?:\s{1,4}(?:\"[^\"\n]{0,80}\"|'[^'\n]{0,80}'))?\s{0,4}\)?"
_IMAGE = rf"!\[[^\[\]\n]{{0,100}}\]\({_TARGET}{_TITLE}"
_LINK = rf"(?:\[[^\[\]\n]{{0,100}})?\](?:\(|:){_TARGET}{_TITLE}"
_PATTERNS = (
    ("html", tags.TAG),
    ("html", tags.ESCAPED_TAG),
    ("html", tags.HANDLER),
    ("script_url", tags.EXPECTED_SCRIPT_URL),
    ("script_url", tags.SCRIPT_URL),
    ("script_url", tags.DATA_URL),
    ("image", _IMAGE),
    ("link", _LINK),
    ("url", links.URL),
    ("ansi", tags.CONTROL),
)
KINDS = tuple(dict.fromkeys(kind for kind, _ in _PATTERNS))
_REMOTE = frozenset({"image", "link", "url"})
_MOST = 128  # matches of one pattern in one text; what follows is taken whole, which bounds the work
_REACH = 120  # characters of a disguised scheme that are taken, from its end
_WINDOW = 128  # characters until a match has begun: a link's words are the longest, with 100 and what is around them


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and where links may lead."""

    kinds: tuple[str, ...] = KINDS
    allow: tuple[str, ...] = ()  # hosts; their subdomains too
    schemes: tuple[str, ...] = ("https",)  # by which allowed hosts may be reached
    novel_only: bool = True  # an answer may repeat a URL that the user wrote, to the letter

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(KINDS):
            raise ConfigError("kinds", f"{list(self.kinds)} must be some of {', '.join(KINDS)}")
        for host in self.allow:
            if host != host.lower() or not links.is_host(host):
                raise ConfigError("allow", f"{host!r} must be a host in lower case such as example.org")
        if not self.schemes or any(not scheme.isascii() or not scheme.islower() for scheme in self.schemes):
            raise ConfigError("schemes", f"{list(self.schemes)} must be schemes in lower case such as https")


class MarkupCheck:
    """Reasons: the kind of the first thing found.

    `html` (tags, event handlers, escaped tags), `script_url` (javascript:, vbscript:, data: with a media type), `image`
    and `link` (Markdown), `url`, `ansi` (escape sequences and control characters).  `all_spans` locates everything,
    which a redaction needs; without it one finding is enough.
    """

    name = "markup"
    window: int | None = _WINDOW

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        self._options = options
        chosen = [(kind, pattern) for kind, pattern in _PATTERNS if kind in options.kinds]
        self.triggers = tuple(pattern for _, pattern in chosen)
        self._patterns = [(kind, re2.compile(pattern)) for kind, pattern in chosen]
        self._hints = Automata(self.triggers)

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        known = functools.cache(lambda: self._known(subject))
        found = (
            Span(number, start, end, kind)
            for number, text in enumerate(subject.texts)
            for kind, start, end in self._search(text, known)
        )
        spans = sorted(found, key=_order) if self._all_spans else list(itertools.islice(found, 1))
        return Decision(self.name, Verdict.REDACT, spans[0].kind, tuple(spans)) if spans else None

    def _known(self, subject: Subject) -> frozenset[str]:
        novel_only = self._options.novel_only and subject.stage is Stage.OUTPUT
        return links.urls(subject.input_text) if novel_only else frozenset()

    def _search(self, text: str, known: Callable[[], frozenset[str]]) -> Iterator[tuple[str, int, int]]:
        """Kind and place of everything in a text, pattern by pattern."""
        for number in self._hints.matching(text.encode()):
            kind, pattern = self._patterns[number]
            for count, match in enumerate(pattern.finditer(text)):
                if count == _MOST:
                    yield kind, match.start(), len(text)
                    break
                if place := self._place(kind, match, known):
                    yield kind, *place

    def _place(self, kind: str, match: Any, known: Callable[[], frozenset[str]]) -> tuple[int, int] | None:
        """Where exactly a match is what its kind says; None: it only looks so."""
        start, end = match.span()
        if kind == "html":
            return (match.start(1), match.end(1)) if tags.is_tag(match.group()) else None
        if kind == "script_url":
            return max(start, match.end(1) - _REACH), end
        if kind in _REMOTE:
            return self._remote(kind, match, known)
        return start, end

    def _remote(self, kind: str, match: Any, known: Callable[[], frozenset[str]]) -> tuple[int, int] | None:
        url = links.trimmed(match.group(1))
        options = self._options
        if not links.leads_elsewhere(url, hosts=options.allow, schemes=options.schemes) or url in known():
            return None
        return match.start(), match.start() + len(url) if kind == "url" else match.end()


def _order(span: Span) -> tuple[int, int, int]:
    return span.text, span.start, span.end


if TYPE_CHECKING:
    _: Check = MarkupCheck(Options())
